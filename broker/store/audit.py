"""Who did what? A hash chain with one row per audited transaction: change one bit and every later digest is wrong."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from broker.store.events import serialise_appends
from broker.store.rows import compact, micros
from broker.store.tables import audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

GENESIS = "0" * 64


def digest_of(previous: str, at: int, body: str) -> str:
    """SHA-256 over the previous digest, the time and the body."""
    return hashlib.sha256(f"{previous}\n{at}\n{body}".encode()).hexdigest()


class Audit:
    """The audit table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, acts: Sequence[dict[str, Any]], at: datetime) -> None:
        """Chain the acts of this transaction as one row."""
        if not acts:
            return
        serialise_appends(self._connection)
        newest = select(audit.c.digest).order_by(audit.c.seq.desc()).limit(1)
        previous = self._connection.execute(newest).scalar() or GENESIS
        body, when = compact(acts), micros(at)
        row = {"at": when, "body": body, "previous": previous, "digest": digest_of(previous, when, body)}
        self._connection.execute(audit.insert(), row)

    def broken_at(self) -> int | None:
        """The first row whose digest does not follow from the one before, or None if the chain verifies."""
        previous = GENESIS
        query = select(audit).order_by(audit.c.seq).execution_options(yield_per=1000)
        with self._connection.execute(query) as rows:  # closed also when a broken row ends the look early
            for row in rows:
                if row.previous != previous or row.digest != digest_of(previous, row.at, row.body):
                    return int(row.seq)
                previous = row.digest
        return None
