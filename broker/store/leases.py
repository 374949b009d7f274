"""Who runs a maintenance loop? A named database lease with a fence; no beat process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.store.rows import micros, moment
from broker.store.tables import leases

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy.engine import Connection


class Leases:
    """The leases table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, name: str, owner: str, at: datetime, length: timedelta) -> int | None:
        """The new fence if the lease is free or ours, else None."""
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        first = {"name": name, "owner": None, "until": 0, "fence": 0}
        self._connection.execute(dialect.insert(leases).on_conflict_do_nothing(), first)
        row = self._connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one()
        if row.owner != owner and row.until > micros(at):
            return None
        change = {"owner": owner, "until": micros(at + length), "fence": row.fence + 1}
        self._connection.execute(update(leases).where(leases.c.name == name).values(change))
        return int(row.fence) + 1

    def succeed(self, name: str, at: datetime) -> None:
        """Note a finished round of the loop."""
        self._connection.execute(update(leases).where(leases.c.name == name).values(last_success=micros(at)))

    def successes(self) -> dict[str, datetime]:
        """Loop -> its last finished round."""
        query = select(leases.c.name, leases.c.last_success).where(leases.c.last_success.is_not(None))
        return {name: moment(last) for name, last in self._connection.execute(query)}
