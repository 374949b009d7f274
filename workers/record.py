"""How is it made sure that what was learned is written? Tried again while the database is away, but never twice."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from broker.services.apply import apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from broker.domain.change import Change
    from broker.domain.job import Job
    from broker.store.unit_of_work import Store

RETRY_S = 0.5
log = logging.getLogger("qsubmit.record")


def record(
    store: Store, changes: Sequence[Change], *, clock: Callable[[], datetime], patience: timedelta, scene: str
) -> None:
    """Write the changes.

    What a vendor has just told us may be the only sign of a paid job: a database that is away for a moment must not
    make us forget it. ``patience`` bounds how long it is worth remembering.
    """
    until = clock() + patience
    left, tried = changes, False
    while left:
        try:
            left = _unwritten(store, left) if tried else left
            apply(store, left, at=clock(), scene=scene)
        except OperationalError:
            if clock() >= until:
                raise
            log.warning("the database is away; trying again", extra={"changes": len(left)})
            tried = True
            time.sleep(RETRY_S)
        else:
            return


def _unwritten(store: Store, changes: Sequence[Change]) -> Sequence[Change]:
    """Those that are not in the database: a connection can break after its commit, and nothing is paid twice."""
    with store.read() as work:
        stored = {change.job.id: work.jobs.get(change.job.id) for change in changes}
    return [change for change in changes if not _written(change, stored[change.job.id])]


def _written(change: Change, stored: Job | None) -> bool:
    return bool(change.moves) and stored is not None and stored.state is not change.moves[0].before
