"""Behind which walls do the programs of this service run now? As its machines report it, some minutes ago at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.wall import REPORTED_WITHIN

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.wall import Wall
    from broker.store.unit_of_work import Store


def walls_now(store: Store, at: datetime) -> list[Wall]:
    """By machine and name; empty before the first report."""
    with store.read() as work:
        return work.walls.since(at - REPORTED_WITHIN)
