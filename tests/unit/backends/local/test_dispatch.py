"""Do jobs share children fairly, within cores and memory, and does a culprit harm only itself?"""

from __future__ import annotations

import asyncio
import time

import pytest

from backends.child import ChildError, ChildKilled
from backends.local import dispatch as dispatching
from backends.local.book import Book, Job, Waiter
from backends.local.choose import Choice
from backends.local.cost import Pace, whole_s
from backends.local.lane import SMALL, SMALL_S
from backends.local.sharing import CARRIES_NO_CODE, EVERYBODY, batch_owner
from broker.domain.program import Format

GIB = 1 << 30


class Children:
    """Every child of a dispatch; what a program asks for happens to its child."""

    def __init__(self):
        self.calls, self.owners = [], []
        self.made = self.busy = self.most = self.closed = 0
        self.lie, self.used_s = None, 0.0

    def __call__(self, target, limits):
        self.made += 1
        return Fake(self)


class Fake:
    def __init__(self, all_of_them):
        self.all = all_of_them
        self.stopped = False
        self.owner = None

    @property
    def used_s(self):
        return self.all.used_s

    def call(self, request, *, owner, wall_s, cpu_s, memory_bytes):
        self.owner = owner
        self.all.owners.append(owner)
        names = [job["program"] for job in request["jobs"]]
        self.all.calls.append((names, wall_s, memory_bytes))
        self.all.busy += 1
        self.all.most = max(self.all.most, self.all.busy)
        try:
            return self.answer(names, wall_s, request["budget_s"])
        finally:
            self.all.busy -= 1

    def answer(self, names, wall_s, budget_s):
        if "bomb" in names:
            raise ChildKilled("memory")
        if "slow guess" in names and len(self.all.calls) == 1:
            raise ChildKilled("wall")
        if "heavy" in names and wall_s < 9.0:
            raise ChildKilled("wall")
        deadline = time.monotonic() + (0.05 if "pause" in names else 5 if "long" in names else 0)
        while time.monotonic() < deadline:
            if self.stopped:
                raise ChildKilled("cancelled")
            time.sleep(0.005)
        one = {"counts": [{"0": 1}], "seed": 1, "run_ms": 1.0, "cpu_ms": 1.0, "note": "", "warnings": []}
        if "liar" in names:
            return self.all.lie(names, one)
        if budget_s is None or "optimist" not in names:
            return {"jobs": [one for _ in names], "software": {}}
        # Looks small and takes half a second: the first two of a batch use up its time.
        time.sleep(1.0)
        begun = [one | {"run_ms": 500.0, "cpu_ms": 500.0} for _ in names[:2]]
        return {"jobs": [*begun, *({"later": True} for _ in names[2:])], "software": {}}

    def stop(self):
        self.stopped = True

    def close(self):
        self.stopped = True
        self.all.closed += 1


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

    def add(self, name, chosen=None, *, owner="A/p/m", cost_s=None, form="openqasm2"):
        organisation, project, _ = owner.split("/")
        job = Job(
            id=self.book.next_id(),
            token="qsub-1",
            device="local/auto",
            kind="gate",
            sha256=name,
            program={"format": form, "source": name},
            shots=1,
            points=[{}],
            seed=1,
            choice=chosen or choice(),
            bits=1,
            photons=0,
            owner=(organisation, f"{organisation}/{project}", owner),
            cost_s=cost_s,
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


def order_of_calls(children):
    return [name for names, *_ in children.calls for name in names]


def test_a9_a_flood_of_large_jobs_gives_way_to_a_project_mate_and_another_organisation(children):
    async def scene(world):
        one = choice("aer", seconds=1.0, method="stabilizer")
        flood = [world.add(f"flood {n}", one) for n in range(60)]
        late = [world.add("mate", one, owner="A/p/mate"), world.add("other", one, owner="B/p/m")]
        world.dispatch.pump()
        await world.all_ended([*flood, *late])

    play(scene)
    assert {"mate", "other"} <= set(order_of_calls(children)[:4])


def test_a9_a_batch_is_filled_by_turns(children):
    async def scene(world):
        flood = [world.add(f"flood {n}") for n in range(1000)]
        late = [world.add(f"{n}", owner=f"A/p/{n}") for n in range(30)]
        world.dispatch.pump()
        await world.all_ended([*flood, *late])

    play(scene)
    assert {str(n) for n in range(30)} <= set(children.calls[0][0][:62])
    assert len(children.calls) < 12  # as many to a call as before


def test_a9_a_large_text_is_no_small_job(children):
    size = 800_000
    cost_s = whole_s(0.001, size=size, operations=60_000, points=1, outcomes=4)

    async def scene(world):
        large = [world.add("pause", cost_s=cost_s) for _ in range(8)]
        bell = world.add("bell", owner="B/p/m")
        world.dispatch.pump()
        await world.ended([bell])
        left = [job.phase for job in large]
        await world.all_ended(large)
        return left

    assert cost_s > 10 * SMALL_S
    assert play(scene).count("done") <= 2
    assert all(len(names) == 1 for names, *_ in children.calls)


def test_a9_programs_that_prove_slower_than_they_look_leave_the_small_lane(children):
    async def scene(world):
        optimists = [world.add("optimist") for _ in range(40)]
        bell = world.add("bell", owner="B/p/m")
        started = time.monotonic()
        world.dispatch.pump()
        await world.ended([bell])
        waited = time.monotonic() - started
        await world.all_ended(optimists)
        return optimists, waited

    optimists, waited = play(scene)
    assert waited < 3.0
    assert all(job.phase == "done" for job in optimists)
    assert sum(len(names) > 1 for names, *_ in children.calls) == 1
    assert [len(names) for names, *_ in children.calls].count(1) >= 38


def test_a9_a_program_that_holds_the_small_lane_is_run_again_among_the_large_ones(children):
    async def scene(world):
        heavy = world.add("heavy")
        bell = world.add("bell", owner="B/p/m")
        world.dispatch.pump()
        await world.all_ended([heavy, bell])
        return heavy, bell

    heavy, bell = play(scene)
    assert (heavy.phase, bell.phase) == ("done", "done")
    assert [wall_s for names, wall_s, _ in children.calls if names == ["heavy"]] == [SMALL.wall_s, 9.0]


def test_a9_a_killed_run_tells_what_it_used(children):
    async def scene(world):
        long = world.add("long", choice("aer", method="stabilizer"))
        bomb = world.add("bomb", choice("aer", method="stabilizer"))
        world.dispatch.pump()
        await world.ended([bomb])
        await asyncio.sleep(0.1)
        list(world.dispatch.cancel(long))
        used_s = long.used_s
        await world.all_ended([long, bomb])
        return used_s, long, bomb

    used_s, long, bomb = play(scene)
    assert used_s > 0.05
    assert (long.phase, long.used_s) == ("cancelled", used_s)
    assert bomb.phase == "failed"
    assert bomb.used_s > 0


def test_a9_a_child_that_begins_nothing_does_not_run_for_ever(monkeypatch, children):
    def lazy(_fake, names, _wall_s, _budget_s):
        return {"jobs": [{"later": True} for _ in names], "software": {}}

    monkeypatch.setattr(Fake, "answer", lazy)

    async def scene(world):
        jobs = [world.add(name) for name in "ab"]
        world.dispatch.pump()
        await world.all_ended(jobs)
        return jobs

    assert [job.phase for job in play(scene)] == ["failed", "failed"]


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


def raised(names, one):
    raise ChildError(kind="KeyError", message="all of you failed", where={}, tail="")


def instead(**changes):
    return lambda names, one: {"jobs": [one | changes if name == "liar" else one for name in names], "software": {}}


def broken(names, one):
    raise OSError("nobody foresaw this")


LIES = {
    "an error that nobody foresaw": broken,
    "an error for all": raised,
    "nothing": lambda names, one: {},
    "too few answers": lambda names, one: {"jobs": [one] * (len(names) - 1), "software": {}},
    "too many answers": lambda names, one: {"jobs": [one] * (len(names) + 1), "software": {}},
    "an answer that is a number": lambda names, one: {"jobs": [7 if name == "liar" else one for name in names]},
    "software that is a list": lambda names, one: {"jobs": [one] * len(names), "software": ["x"]},
    "two points": instead(counts=[{"0": 1}, {"0": 1}]),
    "more shots": instead(counts=[{"0": 10**30}]),
    "fewer shots": instead(counts=[{}]),
    "a negative count": instead(counts=[{"0": 2, "1": -1}]),
    "half a count": instead(counts=[{"0": 0.5, "1": 0.5}]),
    "a wider key": instead(counts=[{"00": 1}]),
    "a key that is HTML": instead(counts=[{"<": 1}]),
    "another seed": instead(seed=2),
    "a time that is no time": instead(run_ms="soon"),
    "an endless time": instead(run_ms=float("inf")),
    "warnings that are one": instead(warnings="careful"),
    "an error that is a text": instead(error="no"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a3_a_child_that_lies_about_one_job_harms_that_job_alone(children, lie):
    children.lie = LIES[lie]

    async def scene(world):
        jobs = [world.add(name) for name in ("a", "liar", "b")]
        world.dispatch.pump()
        await world.all_ended(jobs)
        return jobs

    jobs = play(scene)
    assert [job.phase for job in jobs] == ["done", "failed", "done"]
    assert jobs[1].error["code"] == "simulation_failed"
    assert [names for names, *_ in children.calls[1:]] == [["a"], ["liar"], ["b"]]
    assert children.closed >= 2  # after either lie: a child that lied serves nobody again


@pytest.mark.parametrize("told_ms", [0.0, 1e12])
def test_a3_a_lone_job_is_charged_for_what_was_seen_and_not_for_what_was_told(children, told_ms):
    def lie(names, one):
        time.sleep(0.7)
        return instead(run_ms=told_ms, cpu_ms=told_ms)(names, one)

    children.lie, children.used_s = lie, 0.65

    async def scene(world):
        job = world.add("liar", choice("aer"))
        world.dispatch.pump()
        await world.all_ended([job])
        return job

    job = play(scene)
    assert 400 <= job.answer["run_ms"] < 30_000
    assert job.used_s == job.answer["run_ms"] / 1000


def test_a3_an_error_that_a_child_tells_is_bounded_and_can_be_stored(children):
    told = {"message": "no\x00\ud800" + "x" * 10**6, "code": "DROP TABLE", "line": "7", "column": 10**40, "pointer": 7}
    children.lie = instead(error=told)

    async def scene(world):
        jobs = [world.add("liar")]
        world.dispatch.pump()
        await world.all_ended(jobs)
        return jobs

    error = play(scene)[0].error
    assert len(error.pop("message").encode()) < 3000
    assert error == {"code": "simulation_failed", "line": None, "column": None, "pointer": None}


def test_a9_a_pace_is_learnt_at_once_and_fades():
    pace = Pace()
    pace.learn("m", expected_s=0.01, took_s=0.05)
    assert pace.of("m") == 1.0  # slower, but nobody waited for it
    pace.learn("m", expected_s=0.01, took_s=2.0)
    assert pace.of("m") == 200.0
    for _ in range(60):
        pace.learn("m", expected_s=0.01, took_s=0.01)
    assert pace.of("m") == 1.0


LARGE = choice("aer", seconds=1.0)


def test_a1_a_large_job_runs_in_a_child_of_its_own_project(children):
    async def scene(world):
        for project in ("a", "b", "a"):
            job = world.add(project, LARGE, owner=f"A/{project}/m")
            world.dispatch.pump()
            await world.ended([job])
            await asyncio.sleep(0.01)
        world.dispatch.close()

    play(scene, cores=1)
    assert children.owners == ["A/a", "A/b", "A/a"]


def test_a1_small_programs_that_carry_no_code_share_a_child(children):
    async def scene(world):
        jobs = [world.add("a", owner="A/a/m"), world.add("b", owner="A/b/m")]
        world.dispatch.pump()
        await world.all_ended(jobs)

    play(scene)
    assert children.owners == [EVERYBODY]


@pytest.mark.parametrize(("projects", "owner"), [(("a", "a"), "A/a"), (("a", "b"), None)])
def test_a1_a_format_that_may_carry_code_is_never_everybodys(projects, owner):
    world = World()
    jobs = [world.add(name, owner=f"A/{name}/m", form="perceval") for name in projects]
    assert batch_owner(jobs) == owner


def test_a1_every_gate_format_is_decided():
    assert set(CARRIES_NO_CODE) == {"openqasm2", "openqasm3"}
    assert not set(CARRIES_NO_CODE) & {Format.PULSER.value, Format.PERCEVAL.value, Format.AHS.value}


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
