"""Do the loops run, and what did they find? Leases of loops, and vendor jobs that nobody answered for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from broker.store.rows import moment
from broker.store.tables import leases, orphans

if TYPE_CHECKING:
    from datetime import datetime

    from broker.store.unit_of_work import Work


def held_until(work: Work) -> dict[str, datetime]:
    """Loop -> the end of its newest lease, by name."""
    query = select(leases.c.name, leases.c.until).order_by(leases.c.name)
    return {loop: moment(until) for loop, until in work.connection.execute(query)}


def orphans_found(work: Work) -> dict[str, int]:
    """Backend -> how many were ever found there."""
    query = select(orphans.c.backend, func.count()).group_by(orphans.c.backend)
    return dict(work.connection.execute(query).all())
