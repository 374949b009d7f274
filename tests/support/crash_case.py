"""What is one crash? Submit, let the victim die at its point, bring it back, and wait for what was promised."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.crash_checks import check
from tests.support.crash_hub import PROGRAMS, Postgres, alive, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.crash_hub import CrashHub

SEEDS = Path(__file__).parents[2] / "seeds" / "programs"
# vendor: hub, device, format, program
WORK = {
    "local": ("daejeon", "local/aer", "openqasm2", "bell.qasm"),
    "braket": ("daejeon", "braket/ionq-forte-1", "openqasm2", "bell.qasm"),
    "pasqal": ("daejeon", "pasqal/emu-free", "pulser", "rabi.pulser.json"),
    "quandela": ("seoul", "quandela/sim-slos", "perceval", "hom.perceval.json"),
}
MIXED = tuple(WORK)
LOCAL_HOST = "backends.local.host"
_serials = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """``victim`` dies while ``visitor`` stands at ``point`` with jobs of ``vendor``; often they are the same."""

    victim: str
    point: str
    vendor: str

    def __str__(self) -> str:
        return f"{self.victim}-{self.point}-{self.vendor}"

    @property
    def visitor(self) -> str:
        if self.point.startswith("gateway.") or self.point in {"cancel.before_commit", "cancel.after_commit"}:
            return "gateway"
        return "listen" if self.victim in {"child", "listen"} else "scan"

    @property
    def signal(self) -> signal.Signals:
        """Who dies of its own visit is killed there; who looks on while another dies is stopped there."""
        return signal.SIGKILL if self.victim in {"gateway", "scan", "child"} else signal.SIGSTOP


@dataclass
class Story:
    """One case on one hub: what was asked for, and what was acknowledged."""

    hub: CrashHub
    case: Case
    asked: dict[str, dict[str, object]] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    hubs: dict[str, str] = field(default_factory=dict)

    # -- the parts of a story ------------------------------------------------------------------------------------

    def tell(self) -> dict[str, str]:
        """The whole of it; the states that the jobs ended in."""
        self.hub.calm()
        if self.case.victim == "local" and not self.hub.pids(LOCAL_HOST):
            self._ask_for("local")
            self._send_all()
            self._await_ends()
        written = len(self.hub.log())
        with ThreadPoolExecutor(1) as aside, self._alone():
            # Whoever is stopped at its point does not answer: the asking must not wait for it.
            asking = aside.submit(self._begin)
            visitor = self._await_visit(self.case.point, lambda: asking.done() and self._go_on(asking.result()))
            self._strike(visitor)
            asking.result()
        self.hub.vendors.calm()
        self._ask_for(self.case.vendor if self.case.vendor in WORK else "local")  # life goes on
        self._resend()
        self._await_ends()
        states = check(self.hub, self.acknowledged)
        self._prove(written)
        return states

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of two workers, only the visitor works: else the other might do it all first."""
        other = {"scan": "listen", "listen": "scan"}.get(self.case.visitor)
        if other is not None:
            self.hub.freeze(other)
        try:
            yield
        finally:
            self.hub.thaw()

    def _begin(self) -> None:
        point = self.case.point
        if point.startswith("reconcile."):
            self._doubt()
        elif point.startswith("cancel."):
            self._cancel()
        elif point in {"poll.before_commit", "poll.after_commit"}:
            self._waiting()
        else:
            self._plainly()

    def _plainly(self) -> None:
        self._arm()
        self._submit()

    def _doubt(self) -> None:
        """The first requests are answered by silence: one after it took effect, one before."""
        vendor = self.case.vendor
        if vendor == "local":
            self.hub.arm(self.case.visitor, "submit.after_send", signal.SIGKILL)
            self._submit()
            self._await_visit("submit.after_send", self._go_on)
        else:
            faults = [{"trouble": "drop_after", "on": "create"}, {"trouble": "drop_before", "on": "create"}]
            self.hub.vendors.turn(vendor, faults=faults)
        self._arm()
        if vendor != "local":
            self._submit()

    def _cancel(self) -> None:
        """The vendor lets them wait, and we do not."""
        self.hub.vendors.turn(self.case.vendor, queue_delay=120)
        self._submit()
        self._while_ringing("a job is sent", lambda: "submitted" in self._states(), self._go_on)
        self._arm()
        self.cancelled = set(self.acknowledged)
        self._cancel_all()

    def _waiting(self) -> None:
        """There is nothing to settle at the first looks."""
        self.hub.vendors.turn(self.case.vendor, queue_delay=4)
        self._plainly()

    # -- what they are made of -----------------------------------------------------------------------------------

    def _arm(self) -> None:
        self.hub.arm(self.case.visitor, self.case.point, self.case.signal)

    def _submit(self) -> None:
        """As many as a vendor takes at once, all at the same time."""
        vendors = (self.case.vendor,) * 2
        if self.case.vendor == "mixed":
            vendors = MIXED
        elif self.case.point.startswith("gateway."):
            vendors = (self.case.vendor, "local") * 2
        for vendor in vendors:
            self._ask_for(vendor)
        self._send_all()

    def _ask_for(self, vendor: str) -> None:
        key = f"{self.case}-{next(_serials)}-{os.getpid()}"
        hub, device, form, program = WORK[vendor]
        self.hubs[key] = hub
        source = (SEEDS / program).read_text()
        self.asked[key] = {"program": {"format": form, "source": source}, "shots": 20, "device": device}

    def _send_all(self) -> None:
        missing = [key for key in self.asked if key not in self.acknowledged]
        with ThreadPoolExecutor(len(missing) or 1) as together:
            for key, job in zip(missing, together.map(self._send, missing), strict=True):
                if job is not None:
                    self.acknowledged[key] = job

    def _send(self, key: str) -> str | None:
        status, body = self._ask("/v1/jobs", self.hubs[key], self.asked[key], {"Idempotency-Key": key})
        assert status in {0, 200, 202, 409, 500, 503}, (status, body)
        return json.loads(body)["id"] if status in {200, 202} else None

    def _cancel_all(self) -> None:
        for key in sorted(self.cancelled):
            status, _ = self._ask(f"/v1/jobs/{self.acknowledged[key]}/cancel", self.hubs[key], {}, {})
            assert status in {0, 200, 202, 409, 500, 503}, status
            if status in {200, 202, 409}:
                self.cancelled.discard(key)

    def _ask(self, path: str, hub: str, body: object, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body; 0 if the answer never came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=15)
        headers = {**headers, "Authorization": f"Bearer {self.hub.key(hub)}", "Content-Type": "application/json"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def _states(self) -> set[str]:
        ids = tuple(self.acknowledged.values())
        if not ids:
            return set()
        marks = ", ".join(f"'{job}'" for job in ids)
        with self.hub.engine.connect() as connection:
            return set(connection.exec_driver_sql(f"SELECT state FROM jobs WHERE id IN ({marks})").scalars())

    def _await_visit(self, point: str, also: Callable[[], object]) -> int:
        self._while_ringing(f"{self.case.visitor} comes to {point}", lambda: self.hub.struck(point), also)
        return self.hub.struck(point) or 0

    def _while_ringing(self, what: str, true: Callable[[], object], also: Callable[[], object]) -> None:
        """Who listens hears a bell all the time: nobody else wakes it for what is due."""
        rung = 0.0

        def happened() -> bool:
            nonlocal rung
            if true():
                return True
            also()
            if self.case.visitor == "listen" and time.monotonic() - rung > 0.3:
                rung = time.monotonic()
                self.hub.ring()
            return False

        until(what, happened, log=self._log)

    def _go_on(self, _: None = None) -> None:
        """Jobs that are over will not bring anybody to a point: a cold start may have been too slow for a lease."""
        over = {"attention", "succeeded", "failed", "cancelled"}
        states = self._states()
        if states and states <= over and len(self.acknowledged) == len(self.asked):
            self._ask_for(self.case.vendor)
            self._send_all()

    def _log(self) -> str:
        """The hub's, and the way of the jobs of this case."""
        with self.hub.engine.connect() as connection:
            query = "SELECT job_id, after, at, reason FROM events ORDER BY seq"
            mine = set(self.acknowledged.values())
            way = [str(tuple(row)) for row in connection.exec_driver_sql(query) if row[0] in mine]
        return "\n".join([self.hub.log()[-3000:], *way[-30:]])

    # -- the blow ------------------------------------------------------------------------------------------------

    def _strike(self, visitor: int) -> None:
        hub, victim = self.hub, self.case.victim
        if victim == "listen":
            os.killpg(os.getsid(visitor), signal.SIGKILL)
        elif victim == "tree":
            self._fell()
        elif victim == "postgres":
            assert isinstance(hub.database, Postgres)
            hub.database.kill()
            hub.database.start()
        elif victim in {"redis", "local"}:
            name = {"redis": "redis-server", "local": LOCAL_HOST}[victim]
            dying = hub.pids(name)
            assert dying, f"no {name}"
            for pid in dying:
                os.kill(pid, signal.SIGKILL)
            until(f"{name} is dead", lambda: not any(map(alive, dying)))
        if victim in {"postgres", "redis", "local"}:
            assert alive(visitor)
            os.kill(visitor, signal.SIGCONT)
        else:
            until("the victim is dead", lambda: not alive(visitor))

    def _fell(self) -> None:
        """The whole tree; the simulators' host stands apart and ends by itself."""
        hub = self.hub
        assert hub.process is not None
        tree = [pid for name in (*PROGRAMS.values(), "redis-server") for pid in hub.pids(name)]
        hub.process.kill()
        hub.process.communicate()
        until("the tree is dead", lambda: not any(map(alive, tree)))
        hub.disarm()
        hub.start()

    # -- afterwards ----------------------------------------------------------------------------------------------

    def _resend(self) -> None:
        until("the gateway is back", self.hub.ready, log=self.hub.log)
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < len(self.asked) or self.cancelled:
            assert time.monotonic() < deadline, f"never acknowledged\n{self.hub.log()[-4000:]}"
            self._send_all()
            self._cancel_all()

    def _await_ends(self) -> None:
        ended = {"succeeded", "cancelled"} | ({"attention"} if self.case.vendor in {"quandela", "mixed"} else set())
        until(f"jobs end: {self._states()}", lambda: self._states() <= ended, timeout=90, log=self._log)
        until("the gateway is still there", self.hub.ready, log=self._log)

    def _prove(self, written: int) -> None:
        """The supervisor or Celery saw a death by signal 9; the mark has already said where."""
        said = {
            "child": r"signal 9 \(SIGKILL\)",
            "redis": r"redis ended with status -9",
            **{program: rf"{program} ended with status -9" for program in PROGRAMS},
        }
        if self.case.victim in said:
            # Celery says so when it next looks after its children, which may be after the jobs have ended.
            seen = said[self.case.victim]
            until(
                f"somebody saw {self.case.victim} die", lambda: re.search(seen, self.hub.log()[written:]), log=self._log
            )


def play(hub: CrashHub, case: Case) -> dict[str, str]:
    """The case, told on the hub."""
    return Story(hub, case).tell()
