"""What was decided, on what? Decisions, and snapshots in parts of which each is stored once, by its hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.pieces import Pieces
from broker.domain.text import storable
from broker.store.packed import list_text, pack, unpack, unpack_list
from broker.store.tables import cut_snapshots, decisions, parts, snapshots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection


class Decisions:
    """Write-once rows; what is read is the text that was kept, character for character."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """(id, snapshot id, body) of decisions; sorted, so that writers cannot deadlock."""
        rows = {i: {"id": i, "snapshot_id": s, "body": "", "packed": pack(b)} for i, s, b in kept}
        self._put(decisions, [rows[key] for key in sorted(rows)])

    def keep_snapshots(self, kept: Sequence[tuple[str, Pieces]]) -> None:
        """(id, text) of snapshots. Parts that are there already are not packed, sent or written again."""
        shared, rows = dict[str, str](), dict[str, dict[str, Any]]()
        for name, pieces in kept:
            hashes = {_name(part): part for part in pieces.shared}
            listed = list_text([_name(part) for part in pieces.shared])
            shared |= hashes | {_name(listed): listed}
            rows[name] = {"id": name, "packed": pack(list_text(pieces.own)), "parts": _name(listed)}
        there = self._there(tuple(shared))
        new = sorted(set(shared) - there)
        self._put(parts, [{"sha256": each, "packed": pack(shared[each])} for each in new])
        self._put(cut_snapshots, [rows[name] for name in sorted(rows)])

    def read(self, decision_id: str) -> tuple[str, str] | None:
        """(body, snapshot's text) of a decision; None if either is gone."""
        found = self._connection.execute(select(decisions).where(decisions.c.id == decision_id)).first()
        if found is None:
            return None
        snapshot = self.snapshot(found.snapshot_id)
        body = found.body if found.packed is None else unpack(found.packed)
        return None if snapshot is None else (body, snapshot)

    def snapshot(self, snapshot_id: str) -> str | None:
        """A snapshot's text."""
        cut = self._connection.execute(select(cut_snapshots).where(cut_snapshots.c.id == snapshot_id)).first()
        if cut is None:
            return self._connection.execute(select(snapshots.c.body).where(snapshots.c.id == snapshot_id)).scalar()
        names = unpack_list(self._parts((cut.parts,))[cut.parts])
        bodies = self._parts(names)
        shared = tuple(unpack(bodies[name]) for name in names)
        return Pieces(own=tuple(unpack_list(cut.packed)), shared=shared).whole()

    def _parts(self, names: Sequence[str]) -> dict[str, bytes]:
        query = select(parts.c.sha256, parts.c.packed).where(parts.c.sha256.in_(tuple(names)))
        return {row.sha256: row.packed for row in self._connection.execute(query)}

    def _there(self, names: tuple[str, ...]) -> set[str]:
        return set(self._connection.execute(select(parts.c.sha256).where(parts.c.sha256.in_(names))).scalars())

    def _put(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
            self._connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _name(text: str) -> str:
    return hashlib.sha256(storable(text).encode()).hexdigest()
