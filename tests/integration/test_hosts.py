"""Do several machines serve local simulators through one database and queue, while they die and join under load?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.clock import boot_id
from broker.services.invariants import verify
from broker.store.engine import open_engine
from broker.store.tables import attempts, events
from broker.store.unit_of_work import Store
from qsubmit import Client, QsubmitError
from tests.support.databases import Bell
from tests.support.hub import ENDED, FAST, Hub, free_port, running
from tests.support.local_orders import rotations
from workers import servers
from workers.heart import host_id

BELL = Path("seeds/programs/bell.qasm").read_text()
# A machine that is busy with other tests must not be taken for dead.
PATIENT = {"QSUBMIT_LEASE_S": "24"}
ONE_IN = 25  # so many jobs run for longer than their worker stays with them
pytestmark = pytest.mark.xdist_group("hosts")


@dataclass
class Machine:
    """A machine with its own data directory; ``kill`` is SIGKILL for all that runs on it, local host and all."""

    data: Path
    environ: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return host_id(self.data, boot_id())

    def start(self, *modules: str) -> Machine:
        for module in modules:
            self._start("-m", module, *(["--concurrency", "1"] if module == "workers.listen" else []))
        return self

    def gateway(self) -> str:
        port = free_port()
        self._start(
            "-m", "uvicorn", "--factory", "broker.bootstrap:gateway", "--port", str(port), "--log-level", "error"
        )
        return f"http://127.0.0.1:{port}"

    def _start(self, *arguments: str) -> None:
        environ = os.environ | FAST | self.environ | {"QSUBMIT_DATA": str(self.data), "QSUBMIT_LOG_LEVEL": "ERROR"}
        with (self.data.parent / f"{self.data.name}.log").open("a") as log:
            process = subprocess.Popen([sys.executable, *arguments], env=environ, stdout=log, stderr=log)
        self.processes.append(process)

    def kill(self) -> None:
        mine = {process.pid for process in self.processes} | set(
            Hub(data=self.data, port=0).pids("backends.local.host")
        )
        children = {child for pid in mine for child in _children(pid)}
        for pid in mine | children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes.clear()


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(child) for child in task.read_text().split()}
    return found | {below for child in found for below in _children(child)}


@contextlib.contextmanager
def site(postgres, home):
    """A first machine with everything, a second one with workers and a gateway, and one that may join."""
    with postgres.migrated() as url, contextlib.ExitStack() as stack:
        environ = {"QSUBMIT_DATABASE_URL": url, "QSUBMIT_BACKENDS": "local", "QSUBMIT_STAY_S": "0.2"} | PATIENT
        first = stack.enter_context(running(home / "first", "--no-sandbox", "--workers", "1", environ=environ))
        queue = f"redis+socket://{servers.short_socket(first.data / 'redis')}"
        more = environ | {"QSUBMIT_BROKER_URL": queue, "QSUBMIT_PEPPER_FILE": str(first.data / "pepper")}
        others = [Machine(home / name, more) for name in ("second", "third")]
        for other in others:
            stack.callback(other.kill)
        yield url, first, *others


def submit(clients, number, *, large):
    """Under a key of its own, at one gateway after the other."""
    source = rotations(19, 30, number) if large else BELL
    client, key = clients[number % len(clients)], f"host-{number}"
    return client.submit(source, format="openqasm2", shots=20, device="local/aer", idempotency_key=key)["id"]


def submit_many(clients, numbers):
    return [submit(clients, number, large=number % ONE_IN == 0) for number in numbers]


def until_it_runs(store, clients, host, numbers):
    """More large jobs, until that host has one that nobody else can look at."""
    ids = []
    for number in numbers:
        if bound(store, host):
            return ids
        ids.append(submit(clients, number, large=True))
        time.sleep(0.2)
    raise AssertionError("the host takes nothing")


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def bound(store, host):
    """How many runs the host has now."""
    with store.read() as work:
        return work.hosts.runs().get(host, 0)


def await_ends(store, ids, seconds):
    deadline, left = time.monotonic() + seconds, ids
    while left:
        with store.read() as work:
            left = [job for job in left if work.jobs.get(job).state.value not in ENDED]
            stand = [(job.state.value, job.host, job.due_at, job.lease_until) for job in map(work.jobs.get, left[:5])]
        assert time.monotonic() < deadline, f"{len(left)} of {len(ids)} jobs have not ended: {stand}"
        time.sleep(0.2)


def judge(store, ids, dead):
    """Each job ended once and well; a run was repeated only if its host was the one that died."""
    with store.read() as work:
        ends = Counter(work.connection.execute(select(events.c.job_id).where(events.c.after == "succeeded")).scalars())
        rows = work.connection.execute(select(attempts.c.job_id, attempts.c.host, attempts.c.ended)).all()
        found = {job: work.jobs.get(job).state.value for job in ids}
    assert set(found.values()) == {"succeeded"}
    assert ends == dict.fromkeys(ids, 1)
    assert len(set(ids)) == len(ids) == len({row.job_id for row in rows})
    repeated = {row.host for row in rows if row.ended != "done"}
    assert repeated == {dead}
    assert [each for each in verify(store, datetime.now(UTC)) if not each.holds] == []
    return Counter(row.host for row in rows if row.ended == "done")


@pytest.mark.parametrize("count", [250, pytest.param(2000, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_machines_die_and_join_under_load(postgres, tmp_path, count):
    with site(postgres, tmp_path) as (url, first, second, third):
        store = Store(open_engine(url), Bell())
        gateway = second.start("workers.scan", "workers.listen").gateway()
        dead = second.host
        until(lambda: dead in {host.id for host in store_hosts(store)})
        with first.client() as one, Client(url=gateway, api_key=first.key()) as two:
            until(lambda: answers(two))
            ids = submit_many((one, two), range(count // 2))
            ids += until_it_runs(store, (one, two), dead, range(count, count + 200))
            second.kill()  # at once: its gateway, its workers and what they ran
            third.start("workers.scan", "workers.listen")
            # What the dead gateway has admitted is not admitted again.
            assert submit_many((one,), range(count // 2)) == ids[: count // 2]
            ids += submit_many((one,), range(count // 2, count))
            await_ends(store, ids, seconds=120 + count / 10)
        done = judge(store, ids, dead)
        assert min(done[host_id(first.data, boot_id())], done[third.host]) > 0
        store.engine.dispose()


def store_hosts(store):
    with store.read() as work:
        return work.hosts.known()


def answers(client):
    try:
        return bool(client.devices())
    except (QsubmitError, OSError):
        return False
