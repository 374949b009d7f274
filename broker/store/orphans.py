"""Which jobs do vendors hold that no attempt answers for? Noted when found, settled when they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from broker.store.rows import micros
from broker.store.tables import orphans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from broker.domain.money import Money


class Orphans:
    """The orphans table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, backend: str, remote_id: str, device: str | None, at: datetime) -> bool:
        """Remember one, with the device of the attempt that left it, if known; False if it was noted before."""
        seen = select(orphans.c.remote_id).where(orphans.c.backend == backend, orphans.c.remote_id == remote_id)
        if self._connection.execute(seen).first() is not None:
            return False
        row = {"backend": backend, "remote_id": remote_id, "device": device, "seen_at": micros(at)}
        self._connection.execute(orphans.insert(), row)
        return True

    def noted(self, backend: str, *, settled: bool) -> dict[str, str | None]:
        """Remote id -> device of those whose cost is booked, or of those whose cost is not."""
        known = orphans.c.loss.is_not(None) if settled else orphans.c.loss.is_(None)
        query = select(orphans.c.remote_id, orphans.c.device).where(orphans.c.backend == backend, known)
        return {row.remote_id: row.device for row in self._connection.execute(query.order_by(orphans.c.remote_id))}

    def among(self, backend: str, remote_ids: Sequence[str]) -> set[str]:
        """Those of ``remote_ids`` that were noted, whether booked or not."""
        mine = (orphans.c.backend == backend, orphans.c.remote_id.in_(remote_ids))
        return set(self._connection.execute(select(orphans.c.remote_id).where(*mine)).scalars())

    def unbooked_since(self, backend: str, at: datetime) -> set[str]:
        """Those that were noted by then and whose cost is not booked."""
        mine = (orphans.c.backend == backend, orphans.c.loss.is_(None), orphans.c.seen_at <= micros(at))
        return set(self._connection.execute(select(orphans.c.remote_id).where(*mine)).scalars())

    def settle(self, backend: str, remote_id: str, listed: Money | None) -> bool:
        """Write down what it cost (None: nothing), once; False if that was done before."""
        mine = (orphans.c.backend == backend, orphans.c.remote_id == remote_id, orphans.c.loss.is_(None))
        cost = {"currency": None, "loss": 0} if listed is None else {"currency": listed.currency, "loss": listed.micros}
        return self._connection.execute(update(orphans).where(*mine).values(cost)).rowcount == 1
