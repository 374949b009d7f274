"""Which walls does each machine have? One row per machine and wall, as its workers last saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from broker.domain.wall import Wall
from broker.store.rows import micros, moment
from broker.store.tables import walls

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Walls:
    """The walls table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, machine: str, seen: Sequence[Wall]) -> None:
        """Forget what was seen on this machine before."""
        self._connection.execute(delete(walls).where(walls.c.machine == machine))
        rows = [
            {
                "machine": machine,
                "name": wall.name,
                "stands": int(wall.stands),
                "means": wall.means,
                "seen_at": micros(wall.seen_at),
            }
            for wall in seen
        ]
        if rows:
            self._connection.execute(walls.insert(), rows)

    def since(self, at: datetime) -> list[Wall]:
        """Of every machine that has reported since; one that is gone has no walls to speak of."""
        query = select(walls).where(walls.c.seen_at >= micros(at)).order_by(walls.c.machine, walls.c.name)
        return [
            Wall(
                machine=row.machine,
                name=row.name,
                stands=bool(row.stands),
                means=row.means,
                seen_at=moment(row.seen_at),
            )
            for row in self._connection.execute(query)
        ]
