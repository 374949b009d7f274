"""What was the hub's time when somebody last looked? One row per boot of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.clock import Beat
from broker.store.tables import clocks

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


class Clocks:
    """The clocks table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, boot: str, beat: Beat) -> None:
        """The newest beat of a machine's boot; an older one changes nothing."""
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(clocks).values(boot=boot, hub=beat.hub, uptime=beat.uptime)
        change = {name: insert.excluded[name] for name in ("hub", "uptime")}
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["boot"], set_=change, where=clocks.c.uptime < insert.excluded.uptime
            )
        )

    def beats(self, boot: str) -> tuple[Beat | None, int]:
        """The last beat of this boot, and the newest hub time of any."""
        row = self._connection.execute(select(clocks).where(clocks.c.boot == boot)).first()
        newest: int | None = self._connection.execute(select(func.max(clocks.c.hub))).scalar()
        return None if row is None else Beat(hub=row.hub, uptime=row.uptime), newest or 0

    def server(self) -> int:
        """PostgreSQL's clock now, in microseconds since the epoch."""
        said = self._connection.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
        return int(said.scalar_one())
