"""What has been counted since the store began? Moves, stays and spending, so far as stored, and what came after."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.budget import LOSS
from broker.store.durations import STAGES, bucket, durations, ends
from broker.store.tables import counts, entries, events, jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
PARTS = (*STAGES, "total")
# What was stored under other bounds or other rules means something else: raise the number, and all is counted anew.
EDITION = "1"
EVENTS, ENTRIES, NEXT_ENTRIES, NEXT_AT = "events", "entries", "next entries", "next at"
Key = tuple[str, ...]


class Counts:
    """Sums by name, kept so that nobody has to read every move or every line of the journal again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def stored(self) -> dict[Key, int]:
        """Everything that was counted up to the stored positions."""
        rows = self._connection.execute(select(counts.c.name, counts.c.value).where(counts.c.edition == EDITION))
        return {tuple(json.loads(row.name)): int(row.value) for row in rows}

    def position(self, name: str) -> int:
        """Up to which number was counted."""
        return int(self._connection.execute(_position(name)).scalar() or 0)

    def stands(self, name: str, at: int) -> bool:
        """Whether the position is still there; held against others until the commit, so that none counts the same."""
        first = {"edition": EDITION, "name": _text(("position", name)), "value": 0}
        self._connection.execute(self._dialect.insert(counts).on_conflict_do_nothing(), first)
        there: int = self._connection.execute(_position(name).with_for_update()).scalar_one()
        return there == at

    def add(self, found: Mapping[Key, int]) -> None:
        """Add to the stored sums; a position is a sum like every other."""
        rows = [{"edition": EDITION, "name": _text(key), "value": n} for key, n in sorted(found.items()) if n]
        if rows:
            insert = self._dialect.insert(counts)
            change = {"value": counts.c.value + insert.excluded.value}
            keys = ["edition", "name"]
            self._connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=change), rows)

    def between(self, after: int, last: int) -> dict[Key, int]:
        """What the moves with numbers above ``after`` and up to ``last`` add."""
        span = and_(events.c.seq > after, events.c.seq <= last)
        found: dict[Key, int] = defaultdict(int)
        self._moves(span, found)
        self._stays(span, found)
        self._spent(span, found)
        return dict(found)

    def journal(self, after: int, last: int | None = None) -> dict[Key, int]:
        """The sum per currency of the journal's lines above ``after``, and the platform's loss in it."""
        lost = func.sum(case((entries.c.account == LOSS, entries.c.micros), else_=0))
        query = select(entries.c.currency, func.sum(entries.c.micros), lost).where(entries.c.seq > after)
        if last is not None:
            query = query.where(entries.c.seq <= last)
        found: dict[Key, int] = {}
        for currency, total, part in self._connection.execute(query.group_by(entries.c.currency)):
            found["journal", currency], found["loss", currency] = int(total), int(part)
        return found

    def newest_entry(self) -> int:
        """The number of the journal's newest line that is visible."""
        return int(self._connection.execute(select(func.coalesce(func.max(entries.c.seq), 0))).scalar_one())

    def _moves(self, span: ColumnElement[bool], found: dict[Key, int]) -> None:
        columns = (events.c.before, events.c.after, events.c.backend)
        query = select(*columns, func.count()).where(span).group_by(*columns)
        for before, after, backend, count in self._connection.execute(query):
            found["move", before or "none", after, backend] += count

    def _stays(self, span: ColumnElement[bool], found: dict[Key, int]) -> None:
        each = durations(ends(span)).subquery("each")
        placed = select(
            each.c.backend,
            *(each.c[part] for part in PARTS),
            *(bucket(each.c[part], WAITS).label(f"{part}_bucket") for part in PARTS),
        ).subquery("placed")
        keys = [placed.c.backend, *(placed.c[f"{part}_bucket"] for part in PARTS)]
        sums = [func.sum(placed.c[part]).label(part) for part in PARTS]
        query = select(*keys, *sums, func.count().label("jobs")).group_by(*keys)
        for row in self._connection.execute(query).mappings():
            for part in PARTS:
                place = row[f"{part}_bucket"]
                if place is not None:
                    found["stays", part, row["backend"], str(int(place))] += int(row["jobs"])
                    found["stayed", part, row["backend"]] += int(row[part])

    def _spent(self, span: ColumnElement[bool], found: dict[Key, int]) -> None:
        ended = ends(span)
        keys = (jobs.c.organisation_id, jobs.c.backend, jobs.c.currency)
        query = select(*keys, func.sum(func.coalesce(jobs.c.charged, 0)))
        joined = query.join(ended, ended.c.job_id == jobs.c.id).group_by(*keys)
        for organisation, backend, currency, charged in self._connection.execute(joined):
            found["spent", organisation, backend, currency] += int(charged)


def _position(name: str) -> Select[Any]:
    mine = (counts.c.edition == EDITION, counts.c.name == _text(("position", name)))
    return select(counts.c.value).where(*mine)


def _text(key: Key) -> str:
    return json.dumps(key, separators=(",", ":"), ensure_ascii=False)
