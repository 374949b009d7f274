"""What exactly is sent? Jobs with their program and device become orders; what is read once is kept, bounded."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from backends.base import Order
from broker.store.faults import OF_ONE_ROW
from broker.store.requirement_text import load_requirement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.domain.attempt import Attempt
    from broker.domain.device import Device
    from broker.domain.job import Job
    from broker.domain.program import Program
    from broker.domain.requirement import Requirement
    from broker.store.unit_of_work import Store

KEPT = 512
log = logging.getLogger("qsubmit.orders")


class Orders:
    """Builds orders; programs are kept by content hash, so a stale entry cannot exist."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._programs: dict[str, tuple[Program, Requirement]] = {}

    def read(self, jobs: Sequence[Job]) -> None:
        """Fetch what these jobs need in one query."""
        missing = {job.program for job in jobs} - self._programs.keys()
        if not missing:
            return
        if len(self._programs) + len(missing) > KEPT:
            self._programs.clear()
            missing = {job.program for job in jobs}
        with self._store.read() as work:
            found = work.archive.programs(missing)
        for sha256, (program, text) in found.items():
            try:
                self._programs[sha256] = (program, load_requirement(json.loads(text)))
            except OF_ONE_ROW:
                # Whoever asks for this one learns it then; the others of the batch have theirs.
                log.exception("the requirement of program %s cannot be read", sha256)

    def requirement(self, job: Job) -> Requirement:
        """What intake found out about the job's program."""
        return self._program(job)[1]

    def order(self, job: Job, attempt: Attempt, device: Device) -> Order:
        """The order of one attempt; the same again for the same attempt."""
        program, requirement = self._program(job)
        return Order(
            job=job.id,
            project=job.project,
            attempt=attempt.id,
            token=attempt.token,
            device=device,
            program=program,
            requirement=requirement,
            shots=job.shots,
            points=job.points or ({},),
            seed=job.seed,
            options=job.options,
            organisation=job.organisation,
            member=job.member,
        )

    def _program(self, job: Job) -> tuple[Program, Requirement]:
        self.read([job])
        if job.program not in self._programs:
            raise LookupError(f"program {job.program} of job {job.id} is not stored, or cannot be read")
        return self._programs[job.program]
