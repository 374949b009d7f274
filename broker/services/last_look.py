"""Is a job still wanted at this moment? One statement just before a create request, for every vendor alike."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.wanted import Withheld, unwanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from broker.store.jobs import Standing
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.last_look")


class LastLook:
    """What the database says now about jobs that were claimed some time ago."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, jobs: Sequence[Job]) -> Mapping[JobId, Withheld]:
        """Those that must not be sent, with the reason; all of them if the database does not answer.

        Never raises: in a batch some have been sent already, and their replies must not be lost.
        """
        at = self._clock()
        try:
            with self._store.read() as work:
                disturbed = work.jobs.disturbed(jobs, at)
        except Exception as error:  # noqa: BLE001  whatever it is, we could not ask, so we do not send
            log.warning("cannot ask whether jobs are still wanted: %s", error)
            return {job.id: Withheld(reason="nobody could be asked whether it is still wanted") for job in jobs}
        found = {job.id: _withheld(job, disturbed.get(job.id), at) for job in jobs}
        return {name: why for name, why in found.items() if why is not None}


def _withheld(job: Job, now: Standing | None, at: datetime) -> Withheld | None:
    if now is not None and now.fence != job.fence:
        return Withheld(reason="somebody else drives this job now")
    if now is not None and now.cancel_requested:
        job = alter(job, cancel_requested=True)
    why = unwanted(job, at=at)
    if why is not None:
        return Withheld(reason=why.reason, unwanted=why)
    return None if now is None or now.paused is None else Withheld(reason=f"paused: {now.paused}")
