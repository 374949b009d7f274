"""What does a store look like after a day's work? A seeded hub on SQLite whose jobs one fake vendor has run."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from backends.base import Backend, Outcome, Phase, Recovery, Snapshot
from broker.domain.device import Device, Kind
from broker.domain.ids import RemoteId
from broker.domain.policy import Policy, Preference
from broker.domain.price import Price, Usage, flat
from broker.domain.program import Format, Program
from broker.domain.result import Outcomes
from broker.domain.scopes import Scope
from broker.domain.terms import Terms
from broker.queue import SilentDoorbell
from broker.services.market import Market
from broker.services.prepare import Preparation
from broker.services.seed import load
from broker.services.submit import Admitter, Submission
from broker.store import tables
from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from tests.support.inspected import inspected_now
from workers.drive import Driver

ROOT = Path(__file__).parents[2]
BELL = (ROOT / "seeds" / "programs" / "bell.qasm").read_text()
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
PRICE = Price(
    id="fake-1", device="braket/fake", currency="USD", components=flat(per_task=300_000, per_shot=1_000),
    as_of=AT - timedelta(days=9),    source="a test",
)  # fmt: skip
DEVICE = Device(
    name="braket/fake", backend="braket", vendor_id="fake", kind=Kind.QPU, accepts=frozenset({Format.OPENQASM2}),
    width=8, queue_depth=3, concurrency=50, price=PRICE,
)  # fmt: skip


@dataclass
class FakeVendor(Backend):
    """Accepts everything, and finishes when told to."""

    name: str = "braket"
    recovery: Recovery = Recovery.TOKEN
    poll_floor_s: float = 0.0
    phase: Phase = Phase.DONE
    sent: dict[str, object] = field(default_factory=dict)

    def devices(self):
        return [DEVICE]

    def specs(self, device):
        return None

    def submit(self, order):
        remote = f"task-{len(self.sent)}"
        self.sent[remote] = order
        return RemoteId(remote)

    def find(self, token):
        return [RemoteId(remote) for remote, order in self.sent.items() if order.token.startswith(token)]

    def poll(self, remote_ids):
        return {each: Snapshot(phase=self.phase, word=self.phase.value.upper()) for each in remote_ids}

    def fetch(self, remote_id):
        order = self.sent[remote_id]
        points = tuple(Outcomes(counts={"00": order.shots}) for _ in order.points)
        return Outcome(points=points, usage=Usage(shots=order.shots, run_ms=1500), raw="{}")

    def cancel(self, remote_id):
        pass

    def close(self):
        pass


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = AT

    def __call__(self):
        return self.now

    def pass_(self, **amount):
        self.now += timedelta(**amount)


class Day:
    """A store with its services; jobs are submitted by hand and driven by ``tick``."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.vendor = FakeVendor()
        engine = open_engine(url)
        upgrade(engine)
        self.store = Store(engine, SilentDoorbell())
        load(self.store, ROOT / "seeds")
        with self.store.write() as work:
            work.catalogue.put_devices("braket", self.vendor.recovery.value, self.vendor.devices(), AT)
        self.preparation = Preparation(self.store, Market(self.store))
        self.admitter = Admitter(self.store, self.clock)
        self.driver = Driver(
            store=self.store, backends={"braket": self.vendor}, owner="a test", terms=Terms(), clock=self.clock,
            devices=lambda: {DEVICE.name: DEVICE},
        )  # fmt: skip

    def member(self, name="admin", hub="daejeon", scopes=tuple(scope.value for scope in Scope)):
        query = (
            select(tables.members.c.id)
            .join(tables.projects, tables.projects.c.id == tables.members.c.project_id)
            .join(tables.organisations, tables.organisations.c.id == tables.projects.c.organisation_id)
            .join(tables.hubs, tables.hubs.c.id == tables.organisations.c.hub_id)
            .where(tables.members.c.name == name, tables.hubs.c.slug == hub)
        )
        with self.store.read() as work:
            member = work.connection.execute(query.order_by(tables.members.c.id)).scalars().first()
            return work.people.member(member, key="key", scopes=scopes)

    def submit(self, *, shots=100, name="admin", key=None, trace=None):
        """One job of a member; its id."""
        at, member, program = self.clock(), self.member(name), Program.of(Format.OPENQASM2, BELL)
        inspected = inspected_now(self.preparation, program, "member")
        policy = Policy(prefer=Preference.CHEAPEST, device=DEVICE.name, max_cost=None, deadline=None, min_success=None)
        decided = self.preparation.decide(member, inspected.requirement, policy, shots=shots, points=0, at=at)
        submission = Submission(
            member=member, program=program, requirement_text=inspected.text, decided=decided, shots=shots, points=(),
            name="", tags=(), seed=None, options={}, deadline=None, idempotency_key=key, fingerprint="0" * 64,
            trace=trace, at=at,
        )  # fmt: skip
        [answer] = self.admitter.admit([submission])
        if isinstance(answer, Exception):
            raise answer
        return answer.job.id

    def tick(self, **amount):
        """Let time pass, then drive what is due."""
        self.clock.pass_(**amount)
        return self.driver.tick()

    def work(self, jobs=3):
        """Some jobs, all the way to their bill."""
        ids = [self.submit(shots=100 * (number + 1)) for number in range(jobs)]
        self.tick(seconds=2)
        self.tick(seconds=40)
        return ids


@contextmanager
def day(folder: Path):
    """A fresh one, closed afterwards."""
    made = Day(f"sqlite:///{folder / 'day.db'}")
    try:
        yield made
    finally:
        made.store.engine.dispose()
