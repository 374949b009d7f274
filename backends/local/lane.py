"""Whose job is next in a lane of the host, and what was its turn charged? Jobs that wait, by turns of their owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.local.book import ENDED
from backends.local.cost import Pace
from broker.domain.turns import Turns

if TYPE_CHECKING:
    from backends.local.book import Job

SMALL_S = 0.02
# What one batch may take, by estimate.
BATCH_S = 0.25
BATCH_JOBS = 128
BATCH_BYTES = 8 << 20
# A program that was taken for small and is not may hold the lane for so long; then it is run again among the large.
SMALL_HOLD_S = 5.0
# No job of a batch begins later: the rest goes back into the lane. So nobody's small job waits for more than one
# batch, one job of it, and a turn of each other member.
BATCH_HOLD_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What one call of a child may take; no job of it begins after ``budget_s``."""

    threads: int
    wall_s: float
    memory_bytes: int
    budget_s: float | None = None


SMALL = Bounds(threads=1, wall_s=SMALL_HOLD_S, memory_bytes=256 << 20, budget_s=BATCH_HOLD_S)


class Lanes:
    """The small ones, many to a call, and all others."""

    def __init__(self) -> None:
        self.small, self.large = Lane(), Lane()
        self._pace = Pace()

    def __len__(self) -> int:
        return len(self.small) + len(self.large)

    def add(self, job: Job) -> None:
        """Into the lane that it looks fit for."""
        (self.small if self._is_small(job) else self.large).add(job, self._foreseen_s(job))

    def next_batch(self) -> list[Job]:
        """Small jobs by turns of their owners; one that is to run alone is alone."""
        batch: list[Job] = []
        seconds, size = 0.0, 0
        while len(batch) < BATCH_JOBS and seconds < BATCH_S and size < BATCH_BYTES:
            job = self.small.take()
            if job is None:
                break
            if job.alone and batch:
                self.small.hold(job)
                break
            if not self._is_small(job):
                # Its owner's programs proved slower than they look since it came here.
                self.small.over(job)
                self.large.add(job, self._foreseen_s(job))
                continue
            batch.append(job)
            if job.alone:
                break
            seconds += self._foreseen_s(job)
            size += len(job.program["source"])
        return batch

    def learn(self, job: Job, took_s: float) -> None:
        """What the run of a job says of its owner's next ones."""
        self._pace.learn(job.member, expected_s=job.expected_s, took_s=took_s)

    def tidy(self) -> None:
        self.small.tidy()
        self.large.tidy()

    def _is_small(self, job: Job) -> bool:
        exact = job.kind == "gate" and job.choice.engine == "exact" and not job.proved_large
        return exact and self._foreseen_s(job) < SMALL_S

    def _foreseen_s(self, job: Job) -> float:
        return job.expected_s * self._pace.of(job.member)


class Lane:
    """Foreseen seconds are charged when a job is taken, used ones in their place when its turn is over."""

    def __init__(self) -> None:
        self._turns: Turns[tuple[Job, float]] = Turns()
        self._held: Job | None = None
        self._charged: dict[str, tuple[float, float]] = {}
        self._foreseen_s = 0.0

    @property
    def waiting_s(self) -> float:
        """Foreseen seconds of those that wait."""
        held = 0.0 if self._held is None else self._held.expected_s
        return max(0.0, self._foreseen_s) + held if len(self) else 0.0

    def __len__(self) -> int:
        return len(self._turns) + (self._held is not None)

    def add(self, job: Job, foreseen_s: float) -> None:
        """Behind the owner's other jobs."""
        self._foreseen_s += foreseen_s
        self._turns.add(job.owner, (job, foreseen_s), foreseen_s)

    def again(self, job: Job) -> None:
        """Before the owner's other jobs: it had a turn and was not done. Nothing if it has ended meanwhile."""
        if job.phase not in ENDED:
            job.phase, job.stop = "queued", None
            self._foreseen_s += job.expected_s
            self._turns.add(job.owner, (job, job.expected_s), job.expected_s, front=True)

    def take(self) -> Job | None:
        """The next one that has not ended meanwhile."""
        job, self._held = self._held or self._next(), None
        while job is not None and job.phase in ENDED:
            self.over(job)
            job = self._next()
        return job

    def hold(self, job: Job) -> None:
        """It does not fit yet: the next one to be taken, so that nothing smaller overtakes it for ever."""
        self._held = job

    def over(self, job: Job, *, cores: int = 1) -> None:
        """Its turn has ended: what it used since it was taken is what it was charged."""
        foreseen_s, before_s = self._charged.pop(job.id, (0.0, job.used_s))
        self._turns.correct(job.owner, (job.used_s - before_s) * cores - foreseen_s)

    def tidy(self) -> None:
        """Forget owners of whom nothing is left to know."""
        self._turns.forget()

    def _next(self) -> Job | None:
        taken = self._turns.take()
        if taken is None:
            return None
        job, foreseen_s = taken
        self._foreseen_s -= foreseen_s
        self._charged[job.id] = (foreseen_s, job.used_s)
        return job


def request_of(batch: list[Job], bounds: Bounds) -> dict[str, Any]:
    """What a child is asked: each program once, and the jobs in their order."""
    return {
        "programs": {job.sha256: job.program for job in batch},
        "jobs": [_task(job, bounds.threads) for job in batch],
        "budget_s": bounds.budget_s,
    }


def _task(job: Job, threads: int) -> dict[str, Any]:
    return {
        "program": job.sha256,
        "points": job.points,
        "shots": job.shots,
        "seed": job.seed,
        "engine": job.choice.engine,
        "method": job.choice.method,
        "threads": threads,
    }
