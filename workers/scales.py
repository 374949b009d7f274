"""Which of these jobs has this host room for? Weighed by free cores and memory, where others can take the rest."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from backends.errors import BackendError
from broker.domain.bounded import Bounded
from broker.domain.host import Weight
from broker.store.faults import OF_ONE_ROW
from broker.store.requirement_text import load_requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.domain.host import Capacity
    from broker.domain.job import Job
    from broker.domain.requirement import Requirement
    from broker.store.unit_of_work import Work
    from workers.heart import Heart

log = logging.getLogger("qsubmit.scales")
KEPT, KEPT_BYTES = 2048, 16 << 20
TIMES = 8  # a requirement's values take about so many bytes for each character of its text


class Scales:
    """Requirements are kept by the program's hash: they cannot change."""

    def __init__(self) -> None:
        self._needs: Bounded[str, Requirement] = Bounded(most=KEPT, most_bytes=KEPT_BYTES)

    def at(self, heart: Heart) -> Callable[[Work, Sequence[Job]], Sequence[Job]]:
        """Which of some jobs fit, by what the host says now: it is not asked while a transaction is open."""
        try:
            room = heart.runs.capacity()
        except BackendError as error:
            log.warning("nothing is begun on a host that does not say what it has: %s", error)
            return lambda *_: ()
        return partial(self._fits, heart, [room])

    def _fits(self, heart: Heart, left: list[Capacity], work: Work, jobs: Sequence[Job]) -> list[Job]:
        """In their order; what does not fit stays where it is, for a host that has room or until this one has.

        What is left goes from one device of a look to the next.
        """
        self._read(work, jobs)
        most = max(left[-1].memory_bytes, *(host.memory_bytes for host in heart.others))
        taken = []
        for job in jobs:
            after = left[-1].after(self._weight(heart, job, most))
            if after is not None:
                taken.append(job)
                left.append(after)
        return taken

    def _weight(self, heart: Heart, job: Job, most: int) -> Weight:
        known = self._needs.get(job.program)
        if known is None:
            return Weight()  # whoever makes the order of it says what is wrong
        need = replace(known, shots=job.shots, points=max(1, len(job.points)))
        return heart.runs.weigh(job.device, need, method=job.options.get("method", ""), memory_bytes=most)

    def _read(self, work: Work, jobs: Sequence[Job]) -> None:
        missing = {job.program for job in jobs if job.program not in self._needs}
        for sha256, text in work.archive.requirements(sorted(missing)).items() if missing else ():
            try:
                self._needs.put(sha256, load_requirement(json.loads(text)), size=TIMES * len(text))
            except OF_ONE_ROW:
                log.exception("the requirement of program %s cannot be read", sha256)
