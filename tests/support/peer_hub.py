"""What is the sandbox of a peer? A real second gateway with a real driver, over a local backend that knobs can slow."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from sqlalchemy import select, update
from starlette.concurrency import run_in_threadpool

from backends.base import Backend, Phase, Recovery, Snapshot
from backends.errors import Busy
from backends.local.adapter import LocalBackend
from backends.local.caller import Caller
from backends.sandboxing.faults import Faults
from backends.sandboxing.knobs import Fault, Knobs, Trouble
from backends.sandboxing.ledger import Entry
from backends.sandboxing.serving import Served
from broker.api.app import build
from broker.api.errors import problem
from broker.bootstrap import open_room
from broker.domain.device import Kind, Status
from broker.domain.ids import RemoteId
from broker.domain.price import Component, Unit
from broker.domain.scopes import SCOPES_OF, Role
from broker.queue import SilentDoorbell
from broker.services import seed
from broker.settings import Settings
from broker.store import tables
from broker.store.engine import open_engine
from broker.store.people import budget_id
from broker.store.rows import job_of
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from workers.drive import Driver
from workers.specs import keep_specs

if TYPE_CHECKING:
    from backends.base import Order, Outcome
    from broker.domain.device import Device
    from broker.domain.specs import Specs

SEEDS = Path(__file__).parent / "small_seeds"
HUB = "seoul"
MEMBER = seed.seed_id("member", HUB, "han", "first", "sua")
NAP_S = 0.02
DEAR = 10**12  # more than jobs that end give back


@dataclass
class Run:
    """One order in the slow shop."""

    order: Order
    since: float
    inner: RemoteId | None = None
    started: float = 0.0
    unlucky: bool = False
    cancelled: bool = False


class Shop(Backend):
    """The peer's local simulators: genuine, but they queue, run and fail as the knobs say."""

    name = "local"
    recovery = Recovery.RERUN
    poll_floor_s = NAP_S

    def __init__(self, data: Path, knobs: Knobs) -> None:
        self._data = data
        data.mkdir(exist_ok=True)
        self._inner = LocalBackend(data=data, environ={}, max_run_s=30, idle_s=30, memory_bytes=1 << 30)
        self._knobs = knobs
        self._runs: dict[str, Run] = {}

    def devices(self) -> list[Device]:
        [aer] = [device for device in self._inner.devices() if device.name == "local/aer"]
        aer = replace(aer, width=20, sandbox=True)
        dear = (Component(unit=Unit.TASK, rate=DEAR), *aer.price.components)
        qpu = replace(aer, name="local/qpu", vendor_id="qpu", kind=Kind.QPU)
        qpu = replace(qpu, price=replace(aer.price, id="local-qpu", device=qpu.name, components=dear))
        return [replace(device, status=self._status(device.name)) for device in (aer, qpu)]

    def specs(self, device: Device) -> Specs | None:
        return self._inner.specs(device)

    def _status(self, name: str) -> Status:
        setting = self._knobs.now
        return (
            Status.RETIRED if name in setting.retired else Status.OFFLINE if name in setting.offline else Status.ONLINE
        )

    def submit(self, order: Order) -> RemoteId:
        run_id = RemoteId(str(uuid.uuid4()))
        self._runs[run_id] = Run(order=order, since=time.time())
        return run_id

    def find(self, token: str) -> list[RemoteId]:
        return [RemoteId(run_id) for run_id, run in self._runs.items() if run.order.token.startswith(token)]

    def poll(self, remote_ids: list[RemoteId]) -> dict[RemoteId, Snapshot]:
        return {remote_id: self._look(remote_id) for remote_id in remote_ids}

    def _look(self, remote_id: RemoteId) -> Snapshot:
        run, setting, now = self._runs.get(remote_id), self._knobs.now, time.time()
        if run is None:
            return Snapshot(phase=Phase.LOST, word="lost")
        if run.cancelled:
            return Snapshot(phase=Phase.CANCELLED, word="cancelled")
        if run.inner is None and now < run.since + setting.queue_delay:
            return Snapshot(phase=Phase.QUEUED, word="queued")
        if run.inner is None:
            run.started, run.unlucky = now, self._knobs.draw_failure()
            run.inner = self._inner.submit(run.order)
        look = self._inner.poll([run.inner])[run.inner]
        if look.phase in (Phase.QUEUED, Phase.RUNNING) or now < run.started + setting.run_delay:
            return Snapshot(phase=Phase.RUNNING, word="running")
        if run.unlucky:
            return Snapshot(phase=Phase.FAILED, word="failed", message="the device failed (sandbox knob)")
        return look

    def fetch(self, remote_id: RemoteId) -> Outcome:
        inner = self._runs[remote_id].inner
        if inner is None:
            raise Busy("not started")
        return self._inner.fetch(inner)

    def cancel(self, remote_id: RemoteId) -> None:
        self._runs[remote_id].cancelled = True

    def close(self) -> None:
        self._inner.close()
        Caller(self._data, (), {}).end_host()


class Books:
    """What the peer accepted and charged, read from its own rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, kind: str = "", token: str = "") -> list[Entry]:
        with self._store.read() as work:
            rows = work.connection.execute(select(tables.jobs).order_by(tables.jobs.c.id)).mappings().all()
        jobs = [job for job in map(job_of, rows) if any(tag.startswith(token) for tag in job.tags)]
        creates = [(job, "create", 0) for job in jobs]
        charges = [(job, "charge", job.charged.micros) for job in jobs if job.charged and job.charged.micros]
        return [
            Entry(kind=of, task=f"{HUB}:{job.id}", token=job.tags[0], device=job.device, shots=job.shots, micros=micros)
            for job, of, micros in (*creates, *charges)
            if kind in ("", of)
        ]


class Turned:
    """Makes the gateway feel the knobs that are no faults: devices that are off, an empty budget, a strange state."""

    def __init__(self, app: Any, hub: PeerHub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await run_in_threadpool(self._hub.feel)
        word = self._hub.knobs.now.status_word
        if word is None or scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        said: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            said.append(message)

        await self._app(scope, receive, keep)
        body = json.loads(b"".join(message.get("body", b"") for message in said))
        for job in body.get("jobs", [body]):
            job["state"] = word
        raw = json.dumps(body).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": said[0]["status"], "headers": headers})
        await send({"type": "http.response.body", "body": raw})


class PeerHub:
    """Seoul, in this process: SQLite, gateway, driver and one member's key."""

    def __init__(self, data: Path, *, secret: str) -> None:
        self.knobs = Knobs()
        engine = open_engine(f"sqlite:///{data / 'qsubmit.db'}")
        upgrade(engine)
        self.store = Store(engine, SilentDoorbell())
        self.ledger = Books(self.store)
        self._shop = Shop(data / "local", self.knobs)
        self._felt: Any = None
        self._room = open_room(Settings(pepper="p" * 64, rate_per_s=1e6, rate_burst=10**6), self.store)
        self._furnish(secret)
        app = Faults(Turned(build(self._room), self), self.knobs, kind_of=kind_of, voice=voice)
        self._room.writer.start()
        self._served = Served(app)
        self.url = self._served.url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="peer-driver", daemon=True)
        self._thread.start()

    def _furnish(self, secret: str) -> None:
        seed.load(self.store, SEEDS)
        self.feel()
        with self.store.read() as work:
            if work.people.by_digest(self._room.keys.digest(secret)):
                return
        with mock.patch("broker.services.keys.new_secret", return_value=secret), self.store.write() as work:
            scopes = sorted(SCOPES_OF[Role.MEMBER])
            self._room.keys.create(
                work, member=MEMBER, name="daejeon", scopes=scopes, at=datetime.now(UTC), expires_at=None, by="test"
            )

    def feel(self) -> None:
        """Bring devices and budget in line with the knobs."""
        setting = self.knobs.now
        felt = (setting.offline, setting.retired, setting.insufficient_credit)
        if felt == self._felt:
            return
        taken = tables.budgets.c.held + tables.budgets.c.spent
        limit = taken if setting.insufficient_credit else None
        mine = tables.budgets.c.id == budget_id("member", MEMBER)
        seen, at = self._shop.devices(), datetime.now(UTC)
        with self.store.write() as work:
            work.catalogue.put_devices("local", "rerun", seen, at)
            work.connection.execute(update(tables.budgets).where(mine).values(limit_micros=limit))
        keep_specs(self.store, self._shop, seen, at)
        self._room.market._posted = None
        self._felt = felt

    def _drive(self) -> None:
        driver = Driver(
            store=self.store,
            backends={"local": self._shop},
            owner="peer-driver",
            terms=self._room.settings.terms,
            clock=lambda: datetime.now(UTC),
            devices=self._devices,
        )
        while not self._stop.wait(NAP_S):
            driver.tick()

    def _devices(self) -> dict[str, Device]:
        with self.store.read() as work:
            return {device.name: device for device in work.catalogue.devices()}

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)
        self._served.close()
        self._room.writer.stop()
        self._shop.close()
        self.store.engine.dispose()


def kind_of(method: str, path: str) -> str:
    """The kind of request that a fault names."""
    if not path.startswith("/v1/jobs"):
        return "devices"
    if method == "POST":
        return "cancel" if path.endswith("/cancel") else "create"
    if path.endswith("/result"):
        return "result"
    return "list" if path == "/v1/jobs" else "read"


_WORDS = {
    Trouble.THROTTLE: (429, "rate_limited", "this API key sends too many requests"),
    Trouble.UNAVAILABLE: (503, "not_ready", "the service is starting"),
    Trouble.UNAUTHORIZED: (401, "unauthenticated", "this API key is unknown"),
    Trouble.INVALID: (422, "request_invalid", "a field is wrong"),
}


def voice(fault: Fault) -> Any:
    """A failure as a hub would say it."""
    status, code, detail = _WORDS.get(fault.trouble, (500, "internal", "something went wrong here"))
    return problem(status, code, detail, retry_after=fault.retry_after)
