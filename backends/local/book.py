"""What does the host know of its jobs? Where each stands, who waits for it, and its result for a while."""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from backends.local.choose import Choice

KEPT_S = 3600.0
KEPT_JOBS = 200_000
# Of results that somebody fetched, as a spare copy. What nobody has fetched is kept whatever it takes: to drop it
# would mean to run it again, and its result would be as large again.
KEPT_BYTES = 512 << 20
# Of one result: more would not be kept beside anybody else's. Its job fails, and is not run again.
MOST_BYTES = 512 << 20
RESULT_TOO_LARGE = "result_too_large"
# Of all results that nobody has fetched: while there are more, nothing new is taken.
MOST_UNFETCHED = 1 << 30
MOST_LIVE = 200_000
ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(slots=True, eq=False)
class Job:
    """One order inside the host. The only mutable thing here; one thread, the loop's, changes it.

    ``bits`` is the length of a key: classical bits, atoms, or modes at most.
    ``owner`` is organisation, project and member; ``cost_s`` the estimate of the whole job (None: the simulation's).
    ``used_s`` is what its runs took, however they ended; ``proved_large`` says that the small lane was too small.
    """

    id: str
    token: str
    device: str
    kind: str
    sha256: str
    program: dict[str, str]
    shots: int
    points: list[dict[str, float]]
    seed: int | None
    choice: Choice
    bits: int
    photons: int
    owner: tuple[str, str, str]
    cost_s: float | None = None
    phase: str = "queued"
    alone: bool = False
    proved_large: bool = False
    used_s: float = 0.0
    answer: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    software: dict[str, str] = field(default_factory=dict)
    started_at: float | None = None
    ended_at: float | None = None
    size: int = 0
    fetched: bool = False
    waiters: list[Waiter] = field(default_factory=list)
    stop: Callable[[], None] | None = None

    @property
    def project(self) -> str:
        return self.owner[1]

    @property
    def member(self) -> str:
        return self.owner[2]

    @property
    def expected_s(self) -> float:
        """Of a child, from its first byte to its last outcome."""
        return self.choice.seconds if self.cost_s is None else self.cost_s


@dataclass(slots=True, eq=False)
class Waiter:
    """Somebody who asked to hear when ``need`` of some jobs have ended."""

    need: int
    tell: Callable[[list[str]], None]
    ended: list[str] = field(default_factory=list)
    told: bool = False

    def hear(self, job_id: str) -> None:
        self.ended.append(job_id)

    def satisfied(self) -> bool:
        return not self.told and len(self.ended) >= self.need


class Book:
    """All jobs by id and token. Results go when they are old, or when they are too many; then the id is unknown."""

    def __init__(self, epoch: str) -> None:
        self.live = 0
        self._epoch = epoch
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[str, list[str]] = {}
        self._ended: deque[Job] = deque()
        self._bytes = 0
        self._unfetched = 0

    @property
    def full(self) -> bool:
        """Whether the results that nobody has fetched are too many to take more jobs."""
        return self._unfetched >= MOST_UNFETCHED

    def next_id(self) -> str:
        """Unlike any of another host's ids, so that those are found to be unknown."""
        return f"{self._epoch}-{next(self._numbers)}"

    def add(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._tokens.setdefault(job.token, []).append(job.id)
        self.live += 1

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def with_token(self, start: str) -> list[str]:
        """Ids of the jobs whose token starts so."""
        if start in self._tokens:
            return list(self._tokens[start])
        return [job_id for token, ids in self._tokens.items() if token.startswith(start) for job_id in ids]

    def end(self, job: Job, phase: str, *, size: int = 0) -> Iterator[Waiter]:
        """Close a job; whoever waits for it and is satisfied now."""
        if job.phase in ENDED:
            return
        job.phase, job.size, job.ended_at = phase, size, time.time()
        job.stop = None
        self.live -= 1
        self._ended.append(job)
        self._bytes += size
        self._unfetched += size
        waiters, job.waiters = job.waiters, []
        for waiter in waiters:
            waiter.hear(job.id)
            if waiter.satisfied():
                yield waiter

    def fetched(self, job: Job) -> None:
        """Somebody has its result: from now on it may go when others need the room."""
        if job.phase in ENDED and not job.fetched:
            job.fetched = True
            self._unfetched -= job.size

    def await_ends(self, ids: Iterable[str], waiter: Waiter) -> None:
        """Those that have ended, and those unknown, are heard at once."""
        for job_id in ids:
            job = self._jobs.get(job_id)
            if job is None or job.phase in ENDED:
                waiter.hear(job_id)
            else:
                job.waiters.append(waiter)

    def forget(self) -> None:
        """Drop what is too old, and while there is too much, what was fetched; oldest first."""
        old = time.time() - KEPT_S
        while self._ended and ((self._ended[0].ended_at or 0) < old or len(self._ended) > KEPT_JOBS):
            self._drop(self._ended.popleft())
        if self._bytes > KEPT_BYTES + self._unfetched:
            self._drop_fetched()

    def _drop_fetched(self) -> None:
        kept: deque[Job] = deque()
        for job in self._ended:
            if job.fetched and self._bytes > KEPT_BYTES + self._unfetched:
                self._drop(job)
            else:
                kept.append(job)
        self._ended = kept

    def _drop(self, job: Job) -> None:
        self.fetched(job)
        self._bytes -= job.size
        del self._jobs[job.id]
        ids = self._tokens[job.token]
        ids.remove(job.id)
        if not ids:
            del self._tokens[job.token]


def sizes(answers: Sequence[dict[str, Any]]) -> list[int]:
    """Rough bytes of each answer in memory."""
    return [256 + sum(120 * len(counts) for counts in answer.get("counts", ())) for answer in answers]
