"""Which vendors are left alone? One row per device or backend that failed lately; a success removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.breaker import Breaker
from broker.store.rows import micros, micros_or_none, moment_or_none, small
from broker.store.tables import breakers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection


class Breakers:
    """The breakers table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def of(self, scopes: Iterable[str], *, lock: bool = False) -> dict[str, Breaker]:
        """Those that have failed lately, by scope; locked in the order of their scopes if asked."""
        query = select(breakers).where(breakers.c.scope.in_(tuple(scopes))).order_by(breakers.c.scope)
        return self._read(query.with_for_update() if lock else query)

    def all(self) -> dict[str, Breaker]:
        """Every one that has failed lately."""
        return self._read(select(breakers))

    def put(self, known: Iterable[Breaker], at: datetime) -> None:
        """Write what is known now; a breaker without failures has no row."""
        for each in sorted(known, key=lambda breaker: breaker.scope):
            if not each.failures:
                self._connection.execute(delete(breakers).where(breakers.c.scope == each.scope))
                continue
            row = {
                "scope": each.scope,
                "failures": small(each.failures),
                "trips": small(each.trips),
                "open_until": micros_or_none(each.open_until),
                "reason": each.reason,
                "probing": each.probing,
                "at": micros(at),
            }
            insert = self._dialect.insert(breakers).values(row)
            change = {name: insert.excluded[name] for name in row if name != "scope"}
            self._connection.execute(insert.on_conflict_do_update(index_elements=["scope"], set_=change))

    def _read(self, query: Select[Any]) -> dict[str, Breaker]:
        return {
            row.scope: Breaker(
                scope=row.scope,
                failures=row.failures,
                trips=row.trips,
                open_until=moment_or_none(row.open_until),
                reason=row.reason,
                probing=bool(row.probing),
            )
            for row in self._connection.execute(query)
        }
