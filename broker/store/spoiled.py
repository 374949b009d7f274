"""Which rows could not be written or read? Counted per place, with the newest one as a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from broker.store.rows import micros
from broker.store.tables import spoiled

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Spoiled:
    """The spoiled table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def note(self, place: str, subject: str, error: str, at: datetime, *, count: int = 1) -> None:
        """Count rows of a place; ``subject`` names the newest."""
        row = {"place": place, "rows": count, "subject": subject, "error": error, "at": micros(at)}
        insert = self._dialect.insert(spoiled).values(row)
        change = {key: insert.excluded[key] for key in ("subject", "error", "at")}
        grown = change | {"rows": spoiled.c.rows + insert.excluded["rows"]}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["place"], set_=grown))

    def counts(self) -> dict[str, int]:
        """Place -> how many rows so far."""
        return {row.place: row.rows for row in self._connection.execute(select(spoiled).order_by(spoiled.c.place))}
