"""How is a schedule played? The real services and drivers over a fake store and a fake vendor, on one stage."""

from __future__ import annotations

import secrets
import traceback
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from broker import crash
from broker.domain.device import Kind
from broker.domain.lifecycle import TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.services import submit
from broker.store.jobs import DOUBTED, UNREAD
from tests.simulation.actors import Client, Gateway, Operator, Worker
from tests.simulation.checks import Checks
from tests.simulation.ending import judge
from tests.simulation.fake_store import FakeStore
from tests.simulation.local import Local
from tests.simulation.machines import Machine
from tests.simulation.plan import Plan, plan_of
from tests.simulation.scenery import MICROSECOND, PIECE, START, Piece, device_of, furnish, moment, second_of
from tests.simulation.stage import Crash, Crew, Stage, Violation
from tests.simulation.treatment import SECOND
from tests.simulation.vendor import Vendor
from tests.simulation.wishes import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from broker.domain.device import Device
    from broker.domain.job import Job

HORIZON = 6 * 60 * MINUTE
# While a client stands still for 15 minutes over a row that others wait for, each look at it is a step.
MOST_STEPS = 12_000
SWEEP_EVERY = 10 * MINUTE
PARKED = {JobState.ATTENTION: DOUBTED, JobState.FETCHING: UNREAD}
IN_FLIGHT = frozenset(JobState) - TERMINAL - {JobState.QUEUED, JobState.ACCEPTED, *PARKED}


@dataclass(kw_only=True, slots=True)
class Report:
    """What one schedule showed: which invariant failed, if any, and what was met on the way."""

    id: str
    failure: str | None
    visits: Counter[tuple[str, str]]
    crashes: Counter[tuple[str, str]]
    ends: Counter[str]
    beyond: int
    steps: int
    trace: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What is played against: a vendor with its first and second device, what is sent there, who judges the end."""

    piece: Piece
    devices: tuple[Device, Device]
    vendor: Callable[[World], Vendor]
    judge: Callable[[World], None]


class World:
    """One schedule's everything; actors ask it for the time, the store, the vendor and their next turn."""

    def __init__(self, plan: Plan, crew: Crew, scene: Scene, *, traced: bool = False) -> None:
        self.plan = plan
        self.piece = scene.piece
        self.rng = plan.rng
        self.stage = Stage(crew)
        self.traced = traced
        self._told, self._time = 0, moment(0)
        self.lines: list[str] = []
        self.failed_ticks = 0
        self.visits: Counter[str] = Counter()
        self.crashes: Counter[tuple[str, str]] = Counter()
        self.device = scene.devices[0]
        self.devices: dict[str, Device] = {each.name: each for each in scene.devices}
        self.store = FakeStore(self.stage, self, dialect=plan.dialect, breathe=self._breath if plan.mixed else None)
        affords, allows = plan.affords, plan.may_resubmit
        furnish(self.store, plan.recovery, *scene.devices, piece=self.piece, affords=affords, may_resubmit=allows)
        self.checks = Checks(self)
        self.vendor = scene.vendor(self)
        self._judge = scene.judge
        self.store.checking = self.checks.step
        self.store.ended = self.replan
        self.machines = {name: Machine(self, name) for name in ("one", "two", "three") if plan.host_move is not None}
        self.workers = [Worker(self, name, self.machines.get(name)) for name in ("one", "two")]
        self.gateways = [Gateway(self) for _ in range(plan.gateways)]
        self.operator = Operator(self)
        self.clients = [Client(self, number, wish) for number, wish in enumerate(plan.wishes)]

    # -- what actors need ----------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        if self._told != self.stage.now:
            self._told, self._time = self.stage.now, moment(self.stage.now)
        return self._time

    def soon(self, longest: int = SECOND) -> int:
        """A little later."""
        return self.stage.now + 1 + int(self.rng.random() * longest)

    def say(self, text: str) -> None:
        if self.traced:
            self.lines.append(f"{self.stage.now / SECOND:10.3f}  {self.stage.actor:<12}  {text}")

    def _breath(self) -> int:
        return int(self.rng.random() * 3000) if self.rng.random() < 0.3 else 0

    def visit(self, point: str) -> None:
        """A crash point: the schedule may end this process here, or stop it for a while."""
        self.visits[point] += 1
        place = (point, self.visits[point])
        machine = self.machines.get(self.stage.actor)
        if machine is not None and machine.dead:
            raise Crash(point)
        if place in self.plan.crashes:
            self.crashes[point, self.plan.recovery.value] += 1
            self.say(f"CRASH at {point}")
            raise Crash(point)
        pause = self.plan.pauses.get(place)
        if pause is not None:
            self.say(f"stands still at {point} for {pause / SECOND:.0f} s")
            (self.stage.sleep if machine is None else machine.stand_still)(pause)
            self.say(f"goes on at {point}")

    def ring(self, backend: str, job: str | None = None) -> None:
        """The doorbell: lost, heard by one worker, or heard by both."""
        lost, twice = self.plan.bells
        if self.rng.random() < lost:
            self.say("the doorbell is lost")
            return
        heard = self.workers if self.rng.random() < twice else [self.rng.choice(self.workers)]
        for worker in heard:
            self.stage.at(self.soon(20_000), worker.name, worker.hear(() if job is None else (job,)))

    # -- time ----------------------------------------------------------------------------------------------------

    def replan(self) -> None:
        """Wake the scanners when the next job is due: the scans between now and then would find nothing."""
        due = self.next_work()
        if due is not None:
            for worker in self.workers:
                worker.plan(due)

    def next_work(self) -> int | None:
        """When a scan would find something, as far as is known now."""
        jobs, locks = self.store.tables["jobs"].values(), self.store.locks
        room = {name: self._room(each) for name, each in self.devices.items()}
        for job in jobs:
            room[job.device] -= job.state in IN_FLIGHT or self._parked(job)
        first: datetime | None = None
        for job in jobs:
            due = job.due_at
            if due is None or (locks and ("jobs", job.id) in locks) or not self._reachable(job, room[job.device]):
                continue
            if job.state is JobState.QUEUED and not job.cancel_requested:
                due = max(due, *(self._closed_until(scope) for scope in (job.device, job.backend)))
            if job.lease_until is not None and job.lease_until > due:
                due = job.lease_until
            if job.state is JobState.QUEUED and not job.cancel_requested:
                due = max(due, self._paused_until(job))
            if first is None or due < first:
                first = due
        return None if first is None else (first - START) // MICROSECOND

    def _paused_until(self, job: Job) -> datetime:
        """Until then its device or backend is paused; a deadline that passes meanwhile ends it all the same."""
        rows = [self.store.tables["pauses"].get(scope) for scope in (job.device, job.backend)]
        until = max((row[2] for row in rows if row is not None), default=START)
        return until if job.deadline is None else min(until, job.deadline)

    def _parked(self, job: Job) -> bool:
        return job.state in PARKED and job.updated_at > self.clock() - PARKED[job.state]

    def _closed_until(self, scope: str) -> datetime:
        breaker = self.store.tables["breakers"].get(scope)
        return START if breaker is None or breaker.open_until is None else breaker.open_until

    def _room(self, device: Device) -> int:
        locked = self.store.locks and ("devices", device.name) in self.store.locks
        return 0 if locked else device.concurrency

    def _reachable(self, job: Job, room: int) -> bool:
        if job.state is not JobState.QUEUED or room > 0 or job.cancel_requested:
            return True
        return job.deadline is not None and job.deadline <= self.clock()

    def live(self) -> list[Job]:
        return [job for job in self.store.tables["jobs"].values() if job.state not in TERMINAL]

    # -- play ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let everything happen, then judge the end."""
        for client in self.clients:
            self.stage.at(client.wish.at, "client", client.send)
        self.stage.at(self.plan.sweep_at, "sweep", self.sweep)
        if self.plan.host_dies_at is not None:
            self.stage.at(self.plan.host_dies_at, "vendor", self._host_dies)
        for worker in self.workers:
            if worker.machine is not None:
                self.stage.at(0, "heart", worker.machine.pulse)
        if self.plan.host_moves_at is not None:
            self.stage.at(self.plan.host_moves_at, "host", self._host_moves)
        self.stage.run(until=HORIZON, most=MOST_STEPS)
        if self.stage.failure is not None:
            raise self.stage.failure
        self._judge(self)

    def _host_moves(self) -> None:
        if self.plan.host_move == "host_joins":
            self.say("three joins")
            self.machines["three"].pulse()
            self.workers.append(Worker(self, "three", self.machines["three"]))
            self.replan()
        if self.plan.host_move != "host_stands":
            self.machines["one"].die()

    def _host_dies(self) -> None:
        self.say("the vendor forgets everything")
        self.vendor.forget()

    def sweep(self) -> None:
        """Every ten minutes while anything lives or may still land, and once after."""
        last = not (self.vendor.is_behind() or any(client.waits for client in self.clients) or self._moving())
        swept = self.rng.choice(self.workers).sweep()
        if not (last and swept) or self._unbooked():
            self.stage.at(self.stage.now + SWEEP_EVERY, "sweep", self.sweep)

    def _unbooked(self) -> bool:
        return any(loss is None for _, loss, _ in self.store.tables["orphans"].values())

    def _moving(self) -> bool:
        waiting = JobState.ATTENTION if not self.plan.operator else None
        return any(job.state is not waiting for job in self.live()) or any(worker.busy for worker in self.workers)


def fake_world(schedule: str, crew: Crew, *, traced: bool) -> World:
    """A schedule among fakes alone."""
    plan = plan_of(schedule)
    reruns = plan.recovery is Recovery.RERUN
    kind = Kind.SIMULATOR if reruns else Kind.QPU
    first = device_of(plan.recovery, plan.concurrency, kind)
    second = second_of(plan.recovery, plan.concurrency, kind, plan.second)
    scene = Scene(piece=PIECE, devices=(first, second), vendor=Local.of if reruns else Vendor.of, judge=judge)
    return World(plan, crew, scene, traced=traced)


def play(schedule: str, crew: Crew, *, traced: bool = False, world_of: Callable[..., World] = fake_world) -> Report:
    """Play one schedule and report."""
    world: World | None = None
    failure: str | None = None
    try:
        world = world_of(schedule, crew, traced=traced)
        crash.visit_with(world.visit)
        vars(submit)["secrets"] = SimpleNamespace(token_bytes=world.rng.randbytes)
        world.play()
    except Violation as violation:
        failure = str(violation)
    except Exception as error:  # noqa: BLE001  a simulation that breaks is a failed schedule
        failure = "broke: " + "".join(traceback.format_exception(error))
    finally:
        crash.visit_with(None)
        vars(submit)["secrets"] = secrets
    return _report(schedule, world, failure)


def _report(schedule: str, world: World | None, failure: str | None) -> Report:
    if world is None:
        return Report(
            id=schedule, failure=failure, visits=Counter(), crashes=Counter(), ends=Counter(), beyond=0, steps=0
        )
    recovery = world.plan.recovery.value
    return Report(
        id=schedule,
        failure=failure,
        visits=Counter({(point, recovery): count for point, count in world.visits.items()}),
        crashes=world.crashes,
        ends=Counter(f"{recovery} {job.state.value}" for job in world.store.tables["jobs"].values()),
        beyond=len(world.checks.beyond),
        steps=world.stage.steps,
        trace=world.lines,
    )
