"""Do jobs share children fairly, within cores and memory, and does a culprit harm only itself?"""

from __future__ import annotations

import asyncio
import time

import pytest

from backends.child import ChildKilled
from backends.local import dispatch as dispatching
from backends.local.book import Book, Job, Waiter
from backends.local.choose import Choice

GIB = 1 << 30


class Children:
    """Every child of a dispatch; what a program asks for happens to its child."""

    def __init__(self):
        self.calls = []
        self.made = self.busy = self.most = 0

    def __call__(self, target, limits):
        self.made += 1
        return Fake(self)


class Fake:
    def __init__(self, all_of_them):
        self.all = all_of_them
        self.stopped = False

    def call(self, request, *, wall_s, cpu_s, memory_bytes):
        names = [job["program"] for job in request["jobs"]]
        self.all.calls.append((names, wall_s, memory_bytes))
        self.all.busy += 1
        self.all.most = max(self.all.most, self.all.busy)
        try:
            return self.answer(names)
        finally:
            self.all.busy -= 1

    def answer(self, names):
        if "bomb" in names:
            raise ChildKilled("memory")
        if "slow guess" in names and len(self.all.calls) == 1:
            raise ChildKilled("wall")
        deadline = time.monotonic() + (0.05 if "pause" in names else 5 if "long" in names else 0)
        while time.monotonic() < deadline:
            if self.stopped:
                raise ChildKilled("cancelled")
            time.sleep(0.005)
        one = {"counts": [{"0": 1}], "seed": 1, "run_ms": 1.0, "note": "", "warnings": []}
        return {"jobs": [one for _ in names], "software": {}}

    def stop(self):
        self.stopped = True

    def close(self):
        self.stopped = True


@pytest.fixture
def children(monkeypatch):
    made = Children()
    monkeypatch.setattr(dispatching, "Child", made)
    return made


def choice(engine="exact", *, memory=1 << 20, seconds=0.001, method="statevector", **more):
    return Choice(engine=engine, method=method, reason="test", memory_bytes=memory, seconds=seconds, **more)


class World:
    def __init__(self, *, cores=2, memory=4 * GIB):
        self.book = Book("test")
        self.dispatch = dispatching.Dispatch(self.book, cores=cores, memory_bytes=memory, max_run_s=9.0)

    def add(self, name, chosen=None):
        job = Job(
            id=self.book.next_id(),
            token="qsub-1",
            device="local/auto",
            kind="gate",
            sha256=name,
            program={"format": "openqasm2", "source": name},
            shots=1,
            points=[{}],
            seed=1,
            choice=chosen or choice(),
        )
        self.book.add(job)
        self.dispatch.add(job)
        return job

    async def all_ended(self, jobs):
        await self.ended(jobs)
        await asyncio.sleep(0.01)
        self.dispatch.close()

    async def ended(self, jobs):
        heard = asyncio.Event()
        self.book.await_ends([job.id for job in jobs], waiter := Waiter(need=len(jobs), tell=lambda _: heard.set()))
        if not waiter.satisfied():
            await asyncio.wait_for(heard.wait(), 10)


def play(scene, **world):
    async def whole():
        return await scene(World(**world))

    return asyncio.run(whole())


def test_small_jobs_share_a_call_and_a_culprit_fails_alone(children):
    async def scene(world):
        jobs = [world.add(name) for name in ("a", "b", "bomb", "c")]
        world.dispatch.pump()
        await world.all_ended(jobs)
        return jobs

    jobs = play(scene)
    assert [job.phase for job in jobs] == ["done", "done", "failed", "done"]
    assert jobs[2].error["message"] == "exact/statevector stopped: it needed more memory than allowed"
    assert [names for names, *_ in children.calls] == [["a", "b", "bomb", "c"], ["a"], ["b"], ["bomb"], ["c"]]


def test_large_jobs_keep_to_the_cores_in_order(children):
    async def scene(world):
        jobs = [world.add("pause", choice("aer", seconds=9.0, method="stabilizer")) for _ in range(6)]
        world.dispatch.pump()
        await world.all_ended(jobs)
        return jobs

    play(scene)
    assert children.most == 2
    assert children.made == 3  # two, and the one for small jobs


def test_memory_is_never_promised_twice(children):
    async def scene(world):
        jobs = [world.add("pause", choice("aer", memory=3 * GIB, method="stabilizer")) for _ in range(3)]
        world.dispatch.pump()
        await world.all_ended(jobs)

    play(scene, cores=8)
    assert children.most == 1


def test_a_small_job_does_not_wait_for_a_large_one(children):
    async def scene(world):
        large = world.add("long", choice("qsim", memory=GIB))
        small = world.add("a")
        world.dispatch.pump()
        await world.ended([small])
        phase = large.phase
        list(world.dispatch.cancel(large))
        await world.all_ended([large, small])
        return phase, large.phase

    assert play(scene) == ("running", "cancelled")


def test_a_guess_that_takes_too_long_gives_way_to_its_fallback(children):
    async def scene(world):
        dense = choice("qsim", seconds=20.0)
        guess = choice("aer", seconds=9.0, method="matrix_product_state", limit_s=5.0, fallback=dense)
        job = world.add("slow guess", guess)
        world.dispatch.pump()
        await world.all_ended([job])
        return job

    job = play(scene)
    assert children.calls[0][1] == 5.0
    assert job.choice.engine == "qsim"
    assert job.choice.reason == "test; matrix_product_state gave up at its wall limit"


def test_old_results_are_forgotten_and_their_tokens_with_them(monkeypatch, children):
    async def scene(world):
        jobs = [world.add(str(number)) for number in range(5)]
        world.dispatch.pump()
        await world.all_ended(jobs)
        monkeypatch.setattr("backends.local.book.KEPT_JOBS", 2)
        world.book.forget()
        return [world.book.get(job.id) is not None for job in jobs], world.book.with_token("qsub-")

    kept, found = play(scene)
    assert kept == [False, False, False, True, True]
    assert found == ["test-4", "test-5"]


def test_a6_a_result_that_is_too_large_fails_at_the_first_time(monkeypatch, children):
    async def scene(world):
        monkeypatch.setattr(dispatching, "MOST_BYTES", 100)
        job = world.add("a")
        world.dispatch.pump()
        await world.all_ended([job])
        return job

    job = play(scene)
    assert (job.phase, job.error["code"], job.answer) == ("failed", "result_too_large", None)
    assert "MiB" in job.error["message"]


def test_a6_what_nobody_has_fetched_is_never_dropped_for_room(monkeypatch, children):
    async def scene(world):
        monkeypatch.setattr("backends.local.book.KEPT_BYTES", 500)
        jobs = [world.add(str(number)) for number in range(5)]
        world.dispatch.pump()
        await world.all_ended(jobs)
        world.book.forget()
        before = [world.book.get(job.id) is not None for job in jobs]
        for job in jobs[1:4]:
            world.book.fetched(job)
        world.book.forget()
        return before, [world.book.get(job.id) is not None for job in jobs]

    before, after = play(scene)
    assert all(before)
    assert after == [True, False, False, True, True]


def test_a6_while_too_much_waits_to_be_fetched_nothing_new_is_taken(monkeypatch, children):
    async def scene(world):
        monkeypatch.setattr("backends.local.book.MOST_UNFETCHED", 1)
        empty = world.book.full
        job = world.add("a")
        world.dispatch.pump()
        await world.all_ended([job])
        filled = world.book.full
        world.book.fetched(job)
        return empty, filled, world.book.full

    assert play(scene) == (False, True, False)
