"""How is a real hub told to die? Plans for its processes, kill -9 for its servers, and vendors that live apart."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import NullPool, create_engine, event, text

from backends.sandbox import vendors
from broker.queue import TICK, celery_app, queue_of
from tests.support.hub import Hub, free_port
from workers import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

PROGRAMS = {"gateway": "broker.bootstrap:gateway", "scan": "workers.scan", "listen": "workers.listen"}
# A lease holds two sends; a first send after a start imports an SDK. What is shorter doubts more than it must.
SHORT = {
    "QSUBMIT_LEASE_S": "9",
    "QSUBMIT_SEND_TIMEOUT_S": "3",
    "QSUBMIT_QUIESCENCE_S": "12",
    "QSUBMIT_QUIESCENCE_GAP_S": "1",
    "QSUBMIT_DOUBTED_S": "2",
    "QSUBMIT_SCAN_S": "0.3",
    "QSUBMIT_CATALOGUE_S": "20",
}


def until(what: str, true: Callable[[], object], *, timeout: float = 60, log: Callable[[], str] = str) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}\n{log()[-4000:]}"
        time.sleep(0.02)


class Vendors:
    """The three sandboxes as processes of their own, with ledgers of their own: the witness of every case."""

    def __init__(self, home: Path) -> None:
        self._processes = {}
        self._urls = {}
        for vendor in vendors():
            (home / vendor).mkdir(parents=True)
            port = str(free_port())
            command = [sys.executable, "-m", "backends.sandbox", vendor, "--data", str(home / vendor), "--port", port]
            self._processes[vendor] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self._urls[vendor] = f"http://127.0.0.1:{port}"
        for process in self._processes.values():
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready ")

    @property
    def environ(self) -> dict[str, str]:
        return {f"QSUBMIT_{vendor.upper()}_SANDBOX_URL": url for vendor, url in self._urls.items()}

    def ledger(self, vendor: str) -> dict[str, list[dict[str, object]]]:
        return self._ask(vendor, "ledger")

    def turn(self, vendor: str, **knobs: object) -> None:
        self._ask(vendor, "knobs", knobs)

    def calm(self) -> None:
        for vendor in vendors():
            self._ask(vendor, "reset?keep=tasks", {})

    def _ask(self, vendor: str, what: str, body: object = None) -> dict[str, list[dict[str, object]]]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._urls[vendor]}/_sandbox/{what}", data=data)
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, list[dict[str, object]]] = json.load(answer)
        return found

    def close(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.communicate(timeout=20)


class File:
    """SQLite in WAL: it dies with its processes."""

    environ: dict[str, str] = {}  # noqa: RUF012  never changed

    def __init__(self, data: Path) -> None:
        self.url = f"sqlite:///{data / 'qsubmit.db'}"

    def close(self) -> None:
        pass


class Postgres:
    """A PostgreSQL that the hub did not start, as in production."""

    def __init__(self, data: Path) -> None:
        home = data.parent / "postgres"
        home.mkdir()
        self._pid_file = home / "postgres" / "postmaster.pid"
        self._server, self.url = servers.postgres(home)
        self.environ = {"QSUBMIT_DATABASE_URL": self.url}

    def kill(self) -> None:
        """-9 for the postmaster and every child."""
        postmaster = psutil.Process(self._pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive

    def start(self) -> None:
        """Again, on the same directory."""
        self._server.begin()
        assert self._server.ended() is None

    def close(self) -> None:
        if self._server.ended() is None:
            self._server.end()

    def _pid(self) -> int:
        return int(self._pid_file.read_text().splitlines()[0])


@dataclass
class CrashHub(Hub):
    """A hub that can be hurt; ``plan`` is the file that its processes look into at every crash point."""

    vendors: Vendors = field(kw_only=True)
    database: File | Postgres = field(kw_only=True)
    _serials: Iterator[int] = field(default_factory=itertools.count, init=False, repr=False)
    _engine: Engine | None = field(default=None, init=False, repr=False)

    @property
    def plan(self) -> Path:
        return self.data.parent / f"{self.data.name}.plan"

    @property
    def engine(self) -> Engine:
        """The database as the test reads it; a connection per look, since servers die."""
        if self._engine is None:
            self._engine = create_engine(self.database.url, poolclass=NullPool)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", lambda c, _: c.execute("PRAGMA query_only=ON"))
        return self._engine

    def scalar(self, query: str, **values: object) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text(query), values).scalar_one())

    # -- plans ---------------------------------------------------------------------------------------------------

    def arm(self, program: str, point: str, number: signal.Signals, *, nth: int = 1) -> None:
        """The next process of ``program`` that comes to ``point`` gets the signal there."""
        self.disarm()
        draft = self.plan.with_suffix(".draft")
        draft.write_text(f"{PROGRAMS[program]} {point} {nth} {int(number)} {next(self._serials)}")
        draft.rename(self.plan)

    def disarm(self) -> None:
        for path in self.data.parent.glob(f"{self.plan.name}*"):
            path.unlink()

    def struck(self, point: str) -> int | None:
        """The process that came to the point, once one has."""
        for mark in self.data.parent.glob(f"{self.plan.name}.[0-9]*"):
            with contextlib.suppress(FileNotFoundError):
                if mark.read_text().split()[1] == point:
                    return int(mark.suffix[1:])
        return None

    # -- processes -----------------------------------------------------------------------------------------------

    def leader(self, program: str) -> int | None:
        """The process that the supervisor started: the first of its session."""
        return next((pid for pid in self.pids(PROGRAMS[program]) if alive(pid) and os.getsid(pid) == pid), None)

    def freeze(self, program: str) -> None:
        """Stop a worker where it does not hold the database: others would wait for its transaction."""
        for _ in range(200):
            leader = self.leader(program)
            assert leader is not None, f"no {program}\n{self.log()[-3000:]}"
            os.killpg(leader, signal.SIGSTOP)
            if self._free():
                return
            os.killpg(leader, signal.SIGCONT)
            time.sleep(0.05)
        raise AssertionError(f"{program} never let go of the database")

    def _free(self) -> bool:
        if isinstance(self.database, Postgres):
            mine = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            return self.scalar(f"SELECT count(*) FROM pg_stat_activity WHERE {mine} AND state <> 'idle'") == 0
        probe = create_engine(self.database.url, poolclass=NullPool, connect_args={"timeout": 0.3})
        try:
            with probe.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        except Exception:  # noqa: BLE001  locked, in the driver's words
            return False
        else:
            return True
        finally:
            probe.dispose()

    def thaw(self) -> None:
        for name in PROGRAMS.values():
            for pid in self.pids(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def ring(self) -> None:
        """A doorbell that nobody needs: workers must bear any number of them."""
        app = celery_app(f"redis+socket://{servers.short_socket(self.data / 'redis')}")
        with app.connection_for_write() as connection:
            app.send_task(TICK, args=([],), queue=queue_of("local"), connection=connection, retry=False)

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"up ended with {self.process.returncode}"
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == http.HTTPStatus.OK)
        except OSError:
            return False

    def well(self) -> bool:
        """Everything that was started runs."""
        return self.ready() and all(self.leader(program) for program in PROGRAMS) and bool(self.pids("redis-server"))

    def busy(self) -> int:
        """Live jobs that do not wait for an operator."""
        ended = "('succeeded', 'failed', 'cancelled', 'expired', 'attention')"
        return self.scalar(f"SELECT count(*) FROM jobs WHERE state NOT IN {ended}")

    def calm(self) -> None:
        """As a case wants to find it, whatever the one before left behind."""
        self.disarm()
        self.thaw()
        self.vendors.calm()
        if self.process is None or self.process.poll() is not None:
            self.start()
        until("the hub is well", self.well, log=self.log)
        until("no job is live", lambda: not self.busy(), timeout=90, log=self.log)

    def close(self) -> None:
        self.thaw()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        for pid in self.pids(""):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._engine is not None:
            self._engine.dispose()


def alive(pid: int) -> bool:
    """Whether it runs or could; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def crash_hub(home: Path, database: str) -> Iterator[CrashHub]:
    """A hub with its vendors and its database, all of them started here and ended here."""
    data = home / "data"
    data.mkdir(parents=True)
    vendors, kept = Vendors(home / "vendors"), File(data) if database == "sqlite" else Postgres(data)
    environ = {**SHORT, **vendors.environ, **kept.environ, "QSUBMIT_CRASH": str(home / "data.plan")}
    hub = CrashHub(
        data=data,
        port=free_port(),
        options=("--no-sandbox", "--workers", "1"),
        environ=environ,
        vendors=vendors,
        database=kept,
    )
    try:
        hub.start()
        yield hub
    finally:
        hub.close()
        kept.close()
        vendors.close()
