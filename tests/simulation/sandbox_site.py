"""Where does a vendor's sandbox stand? In a process of its own, with the real adapter to it, for many schedules."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from backends.base import Order, Phase
from broker.domain.ids import AttemptId, JobId, ProjectId, RemoteId, token_of
from tests.simulation.stage import Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from broker.domain.device import Device
    from tests.simulation.scenery import Piece

ROOT = Path(__file__).parents[2]
RUNS = frozenset({Phase.QUEUED, Phase.RUNNING})
CALM: dict[str, Any] = {"faults": [], "offline": [], "retired": [], "insufficient_credit": False, "status_word": None}
# One region is enough, and each more is a request more at every look.
ENVIRON = {"QSUBMIT_BRAKET_REGIONS": "us-east-1"}
WARM_SHOTS = 10


@dataclass(kw_only=True, slots=True, eq=False)
class Row:
    """A create in a vendor's own book, with the sum of its charges and where it was last seen to stand."""

    remote_id: RemoteId
    token: str
    accepted_at: int = 0
    micros: int = 0
    seen: Phase = Phase.QUEUED
    gone: bool = False

    @property
    def cancels(self) -> bool:
        """Every sandbox stops what has not ended."""
        return True

    def phase(self, _: int) -> Phase:
        return self.seen

    @property
    def listed_at(self) -> int:
        """Its list never lags."""
        return self.accepted_at


class Standing:
    """What stands for the length of many schedules: an adapter, and the devices behind it."""

    backend: Any
    devices: Mapping[str, Device]

    def connect(self, backend: Any) -> None:
        self.backend = backend
        self.devices = {device.name: device for device in backend.devices()}

    def warm(self, piece: Piece, names: Collection[str]) -> None:
        """Run the piece on each: after that, the processes behind the adapter have their libraries."""
        for name in names:
            remote_id = self.backend.submit(_order(piece, self.devices[name]))
            while self.backend.poll([remote_id])[remote_id].phase in RUNS:
                time.sleep(0.02)
            self.backend.fetch(remote_id)


class Site(Standing):
    """One sandbox: ``reset`` makes it as new, ``turned`` turns its knobs, and ``rows`` reads its ledger."""

    def __init__(self, vendor: str) -> None:
        self._home = tempfile.TemporaryDirectory(prefix=f"{vendor}-", ignore_cleanup_errors=True)
        command = [sys.executable, "-m", "backends.sandbox", vendor, "--data", self._home.name, "--tethered"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        url = self._announced()
        self._line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        environ = ENVIRON | {f"QSUBMIT_{vendor.upper()}_SANDBOX_URL": url}
        adapter = import_module(f"backends.{vendor}.adapter")
        self.connect(adapter.backend(data=Path(self._home.name), environ=environ))

    def _announced(self) -> str:
        told = self._process.stdout.readline() if self._process.stdout else ""
        word, _, url = told.strip().partition(" ")
        if word != "ready":
            raise RuntimeError(f"the sandbox did not start: {told!r}")
        return url

    def reset(self, **knobs: object) -> None:
        """Nothing accepted, nothing charged, and only these knobs turned."""
        self._ask("POST", "reset", {})
        self.turn(**knobs)

    def turn(self, **knobs: object) -> None:
        """Until somebody else turns them."""
        self._ask("POST", "knobs", knobs)

    @contextlib.contextmanager
    def turned(self, **knobs: object) -> Iterator[None]:
        """For the one conversation inside."""
        if not knobs:
            yield
            return
        self.turn(**knobs)
        try:
            yield
        finally:
            self.turn(**{name: CALM[name] for name in knobs})

    def rows(self, tokens: Collection[str]) -> list[Row]:
        """Every create that it has accepted since the reset; a charge belongs to one of them."""
        ledger = self._ask("GET", "ledger")
        rows = {line["task"]: Row(remote_id=line["task"], token=line["token"]) for line in ledger["creates"]}
        if len(rows) != len(ledger["creates"]):
            raise Violation("4: the sandbox has one id for two creates")
        strange = [line for line in ledger["charges"] if line["task"] not in rows]
        if strange:
            raise Violation(f"13: unaccounted: the sandbox charges for what it never took: {strange}")
        for line in ledger["charges"]:
            rows[line["task"]].micros += line["micros"]
        return list(rows.values())

    def _ask(self, method: str, what: str, body: object = None) -> Any:
        self._line.request(method, f"/_sandbox/{what}", None if body is None else json.dumps(body))
        answer = self._line.getresponse()
        told = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"the sandbox answered {answer.status}: {told!r}")
        return json.loads(told)

    def close(self) -> None:
        self.backend.close()
        self._line.close()
        self._process.communicate(timeout=30)
        self._home.cleanup()


def _order(piece: Piece, device: Device) -> Order:
    attempt = AttemptId(str(uuid.uuid4()))
    return Order(
        job=JobId(str(uuid.uuid4())),
        project=ProjectId("01900000-0000-7000-8000-00000000000a"),
        attempt=attempt,
        token=token_of(attempt),
        device=device,
        program=piece.program,
        requirement=replace(piece.need, shots=WARM_SHOTS, points=1),
        shots=WARM_SHOTS,
        points=({},),
    )
