"""Which job runs next in which child? Small ones many to a call, large ones by cores and memory, by turns."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.child import Child, ChildError, ChildKilled, Limits
from backends.local.answer_check import Untrue, answers_of, software_of
from backends.local.book import ENDED, MOST_BYTES, RESULT_TOO_LARGE, sizes
from backends.local.choose import WIDE_BYTES
from backends.local.lane import SMALL, Bounds, Lanes, request_of
from backends.local.sharing import batch_owner, of_owner
from backends.local.used import seen, share_out

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from backends.local.book import Book, Job, Waiter

TARGETS = {
    "gate": "backends.local.run_gate:run",
    "pulser": "backends.local.run_pulser:run",
    "perceval": "backends.local.run_perceval:run",
    "ahs": "backends.local.run_ahs:run",
}
# A child may map this much beyond the estimate: arenas, stacks, and estimates that are a little short.
SLACK_BYTES = 768 << 20
IDLE_S = 600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a running job keeps from others."""

    cores: int
    memory_bytes: int


class Dispatch:
    """Two lanes: one child for batches of small gate jobs, and a bounded crew for all others.

    The small lane runs beside a full crew, so that a Bell pair never waits for a 30-qubit state. In each lane
    organisations, projects and members take turns by what they used; a member whose programs proved slower than they
    look has them all among the large ones, until they prove better.
    """

    def __init__(self, book: Book, *, cores: int, memory_bytes: int, max_run_s: float) -> None:
        self.cores = cores
        self.memory_bytes = memory_bytes
        self._book = book
        self._max_run_s = max_run_s
        self._lanes = Lanes()
        self._small_child = self._child("gate")
        self._small_busy = False
        self._idle: dict[str, list[tuple[float, Child]]] = {kind: [] for kind in TARGETS}
        self._busy: set[Child] = set()
        self._cores_used = 0
        self._memory_used = 0
        self._threads = ThreadPoolExecutor(cores + 1, "call")
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        return len(self._lanes)

    def capacity(self) -> dict[str, float]:
        """What there is, and what no large run has been promised: small ones run beside them."""
        free_cores, free_bytes = max(0, self.cores - self._cores_used), max(0, self.memory_bytes - self._memory_used)
        cores = {"cores": self.cores, "free_cores": free_cores, "backlog_s": self._lanes.large.waiting_s}
        return {**cores, "memory_bytes": self.memory_bytes, "free_memory_bytes": free_bytes}

    def add(self, job: Job) -> None:
        """Into its lane; ``pump`` starts what can start."""
        self._lanes.add(job)

    def cancel(self, job: Job) -> Iterable[Waiter]:
        """A queued job is dropped, a lone running one killed; one in a batch runs on and nobody hears of it."""
        stop = job.stop
        if stop is not None and job.started_at is not None:
            job.used_s += max(0.0, time.time() - job.started_at)
        yield from self._book.end(job, "cancelled")
        if stop is not None:
            stop()

    def pump(self) -> None:
        """Start all that fits now."""
        if not self._small_busy:
            batch = self._lanes.next_batch()
            if batch:
                self._small_busy = True
                self._start(self._run_small(batch))
        while (job := self._next_large()) is not None:
            self._start(self._run_large(job, self._reserve(job)))

    def close(self) -> None:
        """Kill all children."""
        for child in (self._small_child, *self._busy, *(child for idle in self._idle.values() for _, child in idle)):
            child.close()
        self._threads.shutdown(wait=False)

    def tidy(self) -> None:
        """End children that nobody needed for a while; the libraries in them are large."""
        self._lanes.tidy()
        old = time.monotonic() - IDLE_S
        for kind, idle in self._idle.items():
            self._idle[kind] = [(since, child) for since, child in idle if since >= old]
            for since, child in idle:
                if since < old:
                    child.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _next_large(self) -> Job | None:
        job = self._lanes.large.take()
        if job is None:
            return None
        cores_fit = self._cores_used + self._threads_of(job) <= self.cores
        memory_fits = self._memory_used + job.choice.memory_bytes <= self.memory_bytes
        if not (cores_fit and memory_fits) and self._cores_used:
            self._lanes.large.hold(job)
            return None
        return job

    def _threads_of(self, job: Job) -> int:
        """One size per program, whatever else runs: with other threads other last digits, and other counts."""
        wide = job.kind == "gate" and job.choice.method == "statevector" and job.choice.memory_bytes > WIDE_BYTES
        return self.cores if wide else 1

    async def _run_small(self, batch: list[Job]) -> None:
        try:
            await self._run(self._small_child, batch, SMALL)
        except ChildKilled as killed:
            self._after_small_kill(batch, killed)
        finally:
            self._small_busy = False
            for job in batch:
                self._lanes.small.over(job)
            self.pump()

    def _after_small_kill(self, batch: list[Job], killed: ChildKilled) -> None:
        (first, *others) = batch
        if not others and killed.reason in {"wall", "cpu"}:
            self._lanes.learn(first, SMALL.wall_s)
            first.proved_large = True
            self._lanes.large.again(first)
        elif not others and killed.reason != "cancelled":
            self._fail(first, killed)
        else:
            # One of them did it: each again by itself, so that only the culprit fails.
            for job in reversed(batch):
                job.alone = True
                self._lanes.small.again(job)

    async def _run_large(self, job: Job, reserved: Reserved) -> None:
        child = of_owner(self._idle[job.kind], job.project) or self._child(job.kind)
        self._busy.add(child)
        job.stop = child.stop
        try:
            wall_s = min(job.choice.limit_s or self._max_run_s, self._max_run_s)
            bounds = Bounds(threads=reserved.cores, wall_s=wall_s, memory_bytes=reserved.memory_bytes)
            await self._run(child, [job], bounds)
        except ChildKilled as killed:
            self._after_kill(job, killed)
        finally:
            self._busy.discard(child)
            self._idle[job.kind].append((time.monotonic(), child))
            self._give_back(reserved)
            self._lanes.large.over(job, cores=reserved.cores)
            self.pump()

    def _reserve(self, job: Job) -> Reserved:
        """At once, not when the task begins: the next look at the queue comes before that."""
        reserved = Reserved(cores=self._threads_of(job), memory_bytes=job.choice.memory_bytes)
        self._cores_used += reserved.cores
        self._memory_used += reserved.memory_bytes
        return reserved

    def _give_back(self, reserved: Reserved) -> None:
        self._cores_used -= reserved.cores
        self._memory_used -= reserved.memory_bytes

    def _after_kill(self, job: Job, killed: ChildKilled) -> None:
        if killed.reason == "cancelled":
            # If not its own, then it was the cancellation of the job before, which came a moment late.
            self._lanes.large.again(job)
            return
        fallback = job.choice.fallback
        if fallback is None:
            self._fail(job, killed)
            return
        gave_up = f"{fallback.reason}; {job.choice.method} gave up at its {killed.reason} limit"
        job.choice = replace(fallback, reason=gave_up)
        self._lanes.large.again(job)

    async def _run(self, child: Child, batch: list[Job], bounds: Bounds) -> None:
        """One call of one child; what it answers is booked, what it is killed for is the caller's."""
        now, begun = time.time(), time.monotonic()
        for job in batch:
            job.phase, job.started_at = "running", now
        request = request_of(batch, bounds)

        def call() -> tuple[list[dict[str, Any]], dict[str, str], float]:
            owner = batch_owner(batch) if child is self._small_child else batch[0].project
            cpu_s, mapped = bounds.wall_s * (bounds.threads + 1), bounds.memory_bytes + SLACK_BYTES
            try:
                reply = child.call(request, owner=owner, wall_s=bounds.wall_s, cpu_s=cpu_s, memory_bytes=mapped)
                told = answers_of(reply, batch, may_wait=bounds.budget_s is not None)
                return told, software_of(reply), child.used_s
            except ChildKilled:
                raise
            except Exception as error:  # noqa: BLE001  as the last words below say
                # The functions of run_*.py keep what goes wrong with one job beside that job, and answer in one form.
                # A child that does neither is no longer ours: it ends, and each job of the batch has another one.
                # So does whatever nobody foresaw: left to itself it would leave these jobs running for ever.
                if not isinstance(error, (ChildError, Untrue)):
                    _log.exception("a call of a child failed")
                child.close()
                raise ChildKilled("crash", tail=str(error)) from None

        try:
            answers, software, used_s = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except ChildKilled:
            share_out(batch, min(time.monotonic() - begun, bounds.wall_s))
            raise
        elapsed_s = time.monotonic() - begun
        answers = seen(answers, elapsed_s=elapsed_s, used_s=used_s, threads=bounds.threads)
        self._book_answers(batch, answers, software)

    def _book_answers(self, batch: list[Job], answers: list[dict[str, Any]], software: dict[str, str]) -> None:
        later: list[Job] = []
        for job, answer, size in zip(batch, answers, sizes(answers), strict=True):
            if "later" in answer:
                later.append(job)
                continue
            job.used_s += answer["run_ms"] / 1000
            self._lanes.learn(job, answer["cpu_ms"] / 1000)
            job.software = software
            self._book_answer(job, answer, size)
        if len(later) == len(batch):
            for job in later:
                self._end(job, "failed", error={"message": "the child began nothing", "code": "simulation_failed"})
        for job in reversed(later):
            self._lanes.small.again(job)

    def _book_answer(self, job: Job, answer: dict[str, Any], size: int) -> None:
        if "error" in answer:
            self._end(job, "failed", error=answer["error"])
            return
        if size > MOST_BYTES:
            # At the first time and for good: dropped before it is fetched, it would be run again without end.
            figures = f"its result takes about {size >> 20:,} MiB, at most {MOST_BYTES >> 20:,} MiB are kept"
            message = f"{figures}: ask for fewer shots, points or measured bits"
            self._end(job, "failed", error={"message": message, "code": RESULT_TOO_LARGE})
            return
        if job.phase not in ENDED:
            job.answer = answer
        self._end(job, "done", size=size)

    def _fail(self, job: Job, killed: ChildKilled) -> None:
        words = {"wall": "limit_exceeded", "cpu": "limit_exceeded", "memory": "memory"}
        last = killed.tail.strip().splitlines()[-1:] if killed.reason == "crash" else []
        said = "".join(f" ({line[:200]})" for line in last)
        message = storable.text(f"{job.choice.engine}/{job.choice.method} {killed}{said}")
        code = words.get(killed.reason, "simulation_failed")
        self._end(job, "failed", error={"message": message, "code": code})

    def _end(self, job: Job, phase: str, *, error: dict[str, Any] | None = None, size: int = 0) -> None:
        if job.phase not in ENDED:
            job.error = error
        for waiter in self._book.end(job, phase, size=size):
            tell_soon(waiter)

    def _child(self, kind: str) -> Child:
        limits = Limits(
            memory_bytes=self.memory_bytes + SLACK_BYTES,
            cpu_s=self._max_run_s * (self.cores + 1),
            wall_s=self._max_run_s,
            threads=self.cores if kind == "gate" else 1,
        )
        return Child(TARGETS[kind], limits)


def tell_soon(waiter: Waiter) -> None:
    """After the whole batch is booked, so that one message tells of all of it."""
    if not waiter.told:
        waiter.told = True
        asyncio.get_running_loop().call_soon(lambda: waiter.tell(waiter.ended))
