"""What exactly is sent? Jobs with their program and device become orders; what is read once is kept, bounded."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from backends.base import Order
from broker.domain.bounded import Bounded
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
KEPT_BYTES = 64 << 20
BATCH = 64  # programs that are in memory at once while they are read, each up to a MiB
TIMES = 8  # a requirement's values take about so many bytes for each character of its text
log = logging.getLogger("qsubmit.orders")


class Orders:
    """Builds orders; programs are kept by content hash, so a stale entry cannot exist."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._programs: Bounded[str, tuple[Program, Requirement]] = Bounded(most=KEPT, most_bytes=KEPT_BYTES)

    def read(self, jobs: Sequence[Job]) -> None:
        """Fetch what these jobs need in few queries."""
        missing = [sha256 for sha256 in {job.program for job in jobs} if sha256 not in self._programs]
        for start in range(0, len(missing), BATCH):
            self._fetch(missing[start : start + BATCH])

    def _fetch(self, missing: Sequence[str]) -> dict[str, tuple[Program, Requirement]]:
        with self._store.read() as work:
            found = work.archive.programs(missing)
        read = {}
        for sha256, (program, text) in found.items():
            try:
                read[sha256] = (program, load_requirement(json.loads(text)))
            except OF_ONE_ROW:
                # Whoever asks for this one learns it then; the others of the batch have theirs.
                log.exception("the requirement of program %s cannot be read", sha256)
            else:
                self._programs.put(sha256, read[sha256], size=len(program.source) + TIMES * len(text))
        return read

    def _known(self, job: Job) -> tuple[Program, Requirement]:
        known = self._programs.get(job.program) or self._fetch([job.program]).get(job.program)
        if known is None:
            raise LookupError(f"program {job.program} of job {job.id} is not stored, or cannot be read")
        return known

    def requirement(self, job: Job) -> Requirement:
        """What intake found out about the job's program."""
        return self._known(job)[1]

    def order(self, job: Job, attempt: Attempt, device: Device) -> Order:
        """The order of one attempt; the same again for the same attempt."""
        program, requirement = self._known(job)
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
