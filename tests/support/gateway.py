"""How does a test get a gateway? The real application over a real database with small hubs, in this process."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.testclient import TestClient

from broker.api.app import build
from broker.bootstrap import open_room
from broker.clock import Steady
from broker.domain.clock import Beat
from broker.domain.scopes import SCOPES_OF, Role
from broker.services import seed
from broker.settings import Settings
from broker.store import tables
from broker.store.rows import micros
from tests.support.routing_world import GATE, qpu, simulator
from tests.support.scripted import Scripted
from workers.drive import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.api.room import Room
    from broker.domain.device import Device
    from broker.store.unit_of_work import Store

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SEEDS = Path(__file__).parent / "small_seeds"
PEPPER = "p" * 64
BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
DEVICES = (
    simulator("local/aer", GATE, width=30, concurrency=1000),
    qpu("braket/garnet", GATE, width=20, concurrency=2, max_shots=20_000),
    qpu("pasqal/gates", GATE, width=20, queue_depth=3),
)
PATHS = {
    "root": ("daejeon", "office", "operation"),
    "olga": ("daejeon", "office", "operation"),
    "ada": ("daejeon", "university", "physics"),
    "bob": ("daejeon", "university", "physics"),
    "vic": ("daejeon", "university", "physics"),
    "cyd": ("daejeon", "university", "chemistry"),
    "dan": ("daejeon", "firm", "product"),
    "sua": ("seoul", "han", "first"),
    "seo": ("seoul", "han", "first"),
}


def member_id(name: str) -> str:
    return seed.seed_id("member", *PATHS[name], name)


def request(**fields: Any) -> dict[str, Any]:
    """A submission of a Bell pair on the cheapest simulator."""
    body = {"program": {"format": "openqasm2", "source": BELL}, "shots": 100, "device": "local/aer"}
    return {name: value for name, value in (body | fields).items() if value is not None}


class Clock(Steady):
    """Time stands until it is moved; the machine's clock agrees unless ``wall_ahead`` says otherwise."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at
        self.wall_ahead = timedelta(0)
        super().__init__(Beat(hub=micros(at), uptime=micros(at)))

    def __call__(self) -> datetime:
        return self.at

    def beat(self) -> Beat:
        return Beat(hub=micros(self.at), uptime=micros(self.at))

    def ahead(self) -> timedelta:
        return -self.wall_ahead

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    """A store with hubs and devices, a gateway over it, and a driver for its jobs."""

    store: Store
    room: Room
    clock: Clock
    backends: dict[str, Scripted] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    client: TestClient | None = None

    def key(self, member: str, scopes: list[str] | None = None, **more: Any) -> str:
        """A secret of a member; by default with all scopes of the role."""
        with self.store.write() as work:
            role = work.connection.execute(
                select(tables.members.c.role).where(tables.members.c.id == member_id(member))
            )
            wanted = sorted(SCOPES_OF[Role(role.scalar_one())]) if scopes is None else scopes
            _, secret = self.room.keys.create(
                work,
                member=member_id(member),
                name="test",
                scopes=wanted,
                at=self.clock(),
                by="test",
                **({"expires_at": None} | more),
            )
        return secret

    def call(self, member: str, method: str, path: str, *, key: str | None = None, headers: Any = None, **more: Any):
        """A request with a member's key."""
        if key is None and member not in self.secrets:
            self.secrets[member] = self.key(member)
        bearer = {"Authorization": f"Bearer {key or self.secrets[member]}"}
        return self.client.request(method, path, headers=bearer | dict(headers or {}), **more)

    def submit(self, member: str = "ada", *, key: str | None = None, headers: Any = None, **fields: Any):
        """A POST /v1/jobs."""
        return self.call(member, "POST", "/v1/jobs", key=key, headers=headers, json=request(**fields))

    def job(self, member: str = "ada", **fields: Any) -> dict[str, Any]:
        """An admitted job's view."""
        answer = self.submit(member, **fields)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def see(self, job: str, member: str = "ada") -> dict[str, Any]:
        answer = self.call(member, "GET", f"/v1/jobs/{job}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def driver(self, owner: str = "worker", **more: Any) -> Driver:
        """A worker over the scripted backends."""
        return Driver(
            store=self.store,
            backends=self.backends,
            owner=owner,
            terms=self.room.settings.terms,
            clock=self.clock,
            devices=self._devices,
            **more,
        )

    def _devices(self) -> dict[str, Device]:
        with self.store.read() as work:
            return {device.name: device for device in work.catalogue.devices()}

    def drive(self, *, ticks: int = 6, step: float = 2.0) -> None:
        """Let a worker look until nothing is left or time is up."""
        driver = self.driver()
        for _ in range(ticks):
            driver.tick()
            self.clock.forward(step)

    def budgets(self) -> dict[str, tuple[int, int, int | None]]:
        """Owner -> (held, spent, limit), in micro-units."""
        with self.store.read() as work:
            rows = work.connection.execute(select(tables.budgets))
            return {row.owner: (row.held, row.spent, row.limit_micros) for row in rows}

    def sums(self) -> set[int]:
        """Every currency's sum of the journal."""
        with self.store.read() as work:
            return set(work.ledger.sums().values())


def furnish(store: Store, devices: tuple[Device, ...] = DEVICES) -> None:
    """Hubs, prices, rates and devices."""
    seed.load(store, SEEDS)
    with store.write() as work:
        for backend in sorted({device.backend for device in devices}):
            mine = [device for device in devices if device.backend == backend]
            work.catalogue.put_devices(backend, "rerun" if backend == "local" else "token", mine, NOW)


@contextmanager
def world(store: Store, **settings: Any) -> Iterator[World]:
    """The gateway of a store, serving."""
    clock = Clock()
    kept = Settings(pepper=PEPPER, **settings)
    room = open_room(kept, store, clock=clock)
    backends = {name: Scripted(name=name) for name in sorted({device.backend for device in DEVICES})}
    made = World(store=store, room=room, clock=clock, backends=backends)
    with TestClient(build(room), raise_server_exceptions=False) as client:
        made.client = client
        yield made


def unguessable() -> str:
    """Text that appears nowhere else."""
    return f"canary-{secrets.token_hex(8)}"
