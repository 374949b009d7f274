"""What if it never stops? Schedules of a vendor that is away, impatient, forgetful, or spoils one row of a batch.

``KIND/class/dialect``: played like any other schedule, and judged as well by how often what was done.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING
from zlib import crc32

from backends.base import Phase, Snapshot
from backends.errors import Busy, OutcomeUnknown
from broker.domain.device import Kind
from broker.domain.lifecycle import TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.services.worn import MOST_LOST, TOO_MANY
from tests.simulation.checks import hold
from tests.simulation.ending import judge
from tests.simulation.local import Local
from tests.simulation.plan import MINUTE, Plan, Wish
from tests.simulation.scenery import PIECE, device_of, second_of
from tests.simulation.vendor import SECOND, Faults, Manner, Vendor
from tests.simulation.world import Scene, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backends.base import Order
    from broker.domain.attempt import Attempt
    from broker.domain.ids import RemoteId
    from tests.simulation.stage import Crew

AWAY = 20 * MINUTE  # how long a vendor is away, or asks to be asked again at once
JOBS = 12
SPOILED = "\ud800"
KINDS = {
    "zero": tuple(Recovery),
    "outage": (Recovery.TOKEN, Recovery.TAG, Recovery.BLIND),
    "endless": (Recovery.RERUN,),
    "spoiled": tuple(Recovery),
}
# Doubling from a second to 5 minutes: 9 creates in the first 10 minutes, then one in 5; and a probe now and then.
MOST_CREATES = 30
# Three until the breaker opens, one for each probe of 20 minutes (30 s, then twice as long each time).
MOST_ATTENTION = 3 + 6


def names() -> Iterator[str]:
    """Every schedule of this file."""
    for kind, classes in KINDS.items():
        for recovery, dialect in product(classes, ("sqlite", "postgresql")):
            yield f"{kind}/{recovery.value}/{dialect}"


class Steady(Faults):
    """Nothing goes wrong but what the kind is about; jobs are short."""

    def manner(self) -> Manner:
        return Manner(queued=SECOND, running=SECOND)


class Trying:
    """The part of a vendor that tries our patience; mixed into the fakes of all classes."""

    kind: str
    creates: Counter[str]

    def submit(self, order: Order) -> RemoteId:
        self.creates[order.job] += 1
        vendor: Vendor = self  # type: ignore[assignment]
        if vendor.stage.now < AWAY and self.kind in {"zero", "outage"}:
            vendor.stage.sleep(vendor.reply)
            if self.kind == "zero":
                raise Busy("429", retry_after=0.0)
            raise OutcomeUnknown("503")
        return super().submit(order)  # type: ignore[misc,no-any-return]

    def _snapshot(self, remote_id: RemoteId) -> Snapshot:
        vendor: Vendor = self  # type: ignore[assignment]
        first = remote_id == next(iter(vendor.ledger))
        if self.kind == "endless" and self._killer(remote_id):
            return Snapshot(phase=Phase.LOST, word="404")
        seen: Snapshot = super()._snapshot(remote_id)  # type: ignore[misc]
        if self.kind == "spoiled" and first:
            return Snapshot(phase=seen.phase, word=SPOILED, usage=seen.usage)
        return seen

    def _killer(self, remote_id: RemoteId) -> bool:
        """All runs of the first job that came."""
        vendor: Vendor = self  # type: ignore[assignment]
        mine = next(iter(self.creates))
        tokens = {a.token for a in self.attempts() if a.job == mine}
        return vendor.ledger[remote_id].token in tokens

    def attempts(self) -> Sequence[Attempt]:
        raise NotImplementedError


class TryingVendor(Trying, Vendor):
    pass


class TryingLocal(Trying, Local):
    pass


def plan_of(schedule: str) -> Plan:
    """A dozen jobs at once."""
    _, recovery, dialect = schedule.split("/")
    return Plan(
        id=schedule,
        rng=random.Random(crc32(schedule.encode())),
        recovery=Recovery(recovery),
        dialect=dialect,
        faults=Steady(),
        crashes=set(),
        wishes=tuple(Wish(at=number * SECOND // 10) for number in range(JOBS)),
        affords=JOBS,
        concurrency=4,
        operator=recovery == Recovery.BLIND.value,
    )


def endurance_world(schedule: str, crew: Crew, *, traced: bool) -> World:
    """A schedule of this file among fakes."""
    plan = plan_of(schedule)
    kind = Kind.SIMULATOR if plan.recovery is Recovery.RERUN else Kind.QPU
    devices = (device_of(plan.recovery, 4, kind), second_of(plan.recovery, 4, kind, 100))
    world = World(plan, crew, Scene(piece=PIECE, devices=devices, vendor=_vendor, judge=_judge), traced=traced)
    world.store.refuses = SPOILED if schedule.startswith("spoiled") else None
    return world


def _vendor(world: World) -> Vendor:
    made = (TryingLocal if world.plan.recovery is Recovery.RERUN else TryingVendor).of(world)
    made.kind, made.creates = world.plan.id.partition("/")[0], Counter()
    made.attempts = lambda: list(world.store.tables["attempts"].values())  # type: ignore[method-assign]
    return made


def _judge(world: World) -> None:
    judge(world)
    jobs, vendor = list(world.store.tables["jobs"].values()), world.vendor
    kind, creates = vendor.kind, vendor.creates  # type: ignore[attr-defined]
    hold(len(jobs) == JOBS, "1: {} jobs of {}", len(jobs), JOBS)
    hold(all(job.state in TERMINAL for job in jobs), "2: lost: {}", Counter(job.state for job in jobs))
    hold(max(creates.values()) <= MOST_CREATES, "endless: {} creates of one job", max(creates.values()))
    doubted = {move.job_id for _, move in world.store.logs["events"] if move.after is JobState.ATTENTION}
    hold(len(doubted) <= MOST_ATTENTION, "endless: {} jobs came into attention", len(doubted))
    worn = [job for job in jobs if job.error_code == TOO_MANY]
    hold(len(worn) == (kind == "endless"), "endless: {} jobs were tried too often", len(worn))
    if kind == "endless":
        hold(max(creates.values()) == MOST_LOST, "endless: {} runs", max(creates.values()))
