"""What is kept as it was? Programs, decisions, snapshots and results: rows that are written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.program import Format, Program
from broker.store.decisions import Decisions
from broker.store.rows import micros
from broker.store.tables import programs, results

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.engine import Connection

    from broker.domain.ids import JobId
    from broker.domain.pieces import Pieces

_ROWID: ColumnElement[int] = literal_column("rowid")  # SQLite's own name for a row


class Archive:
    """The write-once tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._decisions = Decisions(connection)

    def _keep(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
            self._connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)

    def keep_programs(self, kept: Sequence[tuple[Program, str]]) -> None:
        """Programs with their requirement as JSON text, by content; sorted, so that writers cannot deadlock."""
        rows = {
            p.sha256: {"sha256": p.sha256, "format": p.format.value, "source": p.source, "requirement": need}
            for p, need in kept
        }
        if rows:
            dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
            insert = dialect.insert(programs)
            # Not "do nothing": a row that is being removed (store/removing.py) is waited for, and put back.
            change = {"source": insert.excluded.source, "removed_at": None}
            again = insert.on_conflict_do_update(
                index_elements=["sha256"], set_=change, where=programs.c.removed_at.is_not(None)
            )
            self._connection.execute(again, [rows[key] for key in sorted(rows)])

    def keep_decisions(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """(id, snapshot id, body) of decisions."""
        self._decisions.keep(kept)

    def keep_snapshots(self, kept: Sequence[tuple[str, Pieces]]) -> None:
        """(id, text) of the catalogue snapshots that decisions were made on."""
        self._decisions.keep_snapshots(kept)

    def keep_results(self, kept: Sequence[tuple[JobId, str, str]], at: datetime) -> None:
        """(job, sha256, body) of results."""
        self._keep(results, [{"job_id": j, "sha256": h, "body": b, "at": micros(at)} for j, h, b in sorted(kept)])

    def programs(self, hashes: Iterable[str]) -> dict[str, tuple[Program, str]]:
        """Programs with their requirement's JSON text, by hash."""
        query = select(programs).where(programs.c.sha256.in_(tuple(hashes)))
        return {
            row.sha256: (Program(format=Format(row.format), source=row.source, sha256=row.sha256), row.requirement)
            for row in self._connection.execute(query)
        }

    def decision(self, decision_id: str) -> tuple[str, str] | None:
        """(body, snapshot's text) of a decision."""
        return self._decisions.read(decision_id)

    def result(self, job_id: str) -> tuple[str, str] | None:
        """(sha256, body) of a job's result."""
        row = self._connection.execute(select(results).where(results.c.job_id == job_id)).first()
        return None if row is None else (row.sha256, row.body)

    def requirements(self, hashes: Iterable[str]) -> dict[str, str]:
        """The requirement's JSON text of programs by hash, without their sources."""
        query = select(programs.c.sha256, programs.c.requirement).where(programs.c.sha256.in_(tuple(hashes)))
        return {row.sha256: row.requirement for row in self._connection.execute(query)}

    def result_size(self, job_id: str) -> tuple[str, int] | None:
        """(sha256, length of the body in bytes) of a job's result; the body is not read."""
        if self._connection.dialect.name == "postgresql":
            size = func.octet_length(results.c.body)
            row = self._connection.execute(select(results.c.sha256, size).where(results.c.job_id == job_id)).first()
            return None if row is None else (row[0], row[1])
        found = self._connection.execute(select(results.c.sha256, _ROWID).where(results.c.job_id == job_id)).first()
        if found is None:
            return None
        with self._blob(found[1]) as blob:
            return found[0], len(blob)

    def result_part(self, job_id: str, start: int, length: int) -> tuple[bytes, int]:
        """Some of a result's body as UTF-8, and where the next part starts.

        Positions are bytes on SQLite, characters on PostgreSQL: begin with nought and go on with what was returned.
        """
        if self._connection.dialect.name == "postgresql":
            piece = func.substr(results.c.body, start + 1, length)
            text: str = self._connection.execute(select(piece).where(results.c.job_id == job_id)).scalar_one()
            return text.encode(), start + len(text)
        row: int = self._connection.execute(
            select(_ROWID).select_from(results).where(results.c.job_id == job_id)
        ).scalar_one()
        with self._blob(row) as blob:
            blob.seek(start)
            found = blob.read(length)
        return found, start + len(found)

    def _blob(self, rowid: int) -> sqlite3.Blob:
        """A handle on a body that reads only the pages that it is asked for; substr() would read all of them."""
        driver: Any = self._connection.connection.driver_connection
        found: sqlite3.Blob = driver.blobopen("results", "body", rowid, readonly=True)
        return found
