"""How does a test get a whole hub? Real processes over a real database and queue, started by the test itself."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qsubmit import Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY_S = 120.0
ENDED = {"succeeded", "failed", "cancelled", "expired"}
FAST = {
    "QSUBMIT_LEASE_S": "8",
    "QSUBMIT_SEND_TIMEOUT_S": "2",
    "QSUBMIT_QUIESCENCE_S": "3",
    "QSUBMIT_QUIESCENCE_GAP_S": "1",
    "QSUBMIT_SCAN_S": "0.5",
    "QSUBMIT_CATALOGUE_S": "5",
    "QSUBMIT_RATE_PER_S": "100000",
    "QSUBMIT_RATE_BURST": "100000",
}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Hub:
    """A running ``qsubmit up``; ``kill`` is SIGKILL for everything it started."""

    data: Path
    port: int
    options: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, or start again on the same directory, and wait for the line that says ready."""
        command = [sys.executable, "-m", "workers.up", "--data", str(self.data), "--port", str(self.port)]
        with (self.data.parent / f"{self.data.name}.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, *self.options],
                env=os.environ | FAST | dict(self.environ),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self._first_line()
        if not line.startswith("ready http://127.0.0.1:"):
            self.stop()
            raise AssertionError(f"not ready: {line!r}\n{self.log()[-3000:]}")

    def _first_line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], READY_S)
        return self.process.stdout.readline() if readable else ""

    def log(self) -> str:
        return (self.data.parent / f"{self.data.name}.log").read_text()

    def key(self, hub: str = "daejeon") -> str:
        return (self.data / "keys" / hub).read_text()

    def client(self, hub: str = "daejeon") -> Client:
        return Client(url=self.url, api_key=self.key(hub))

    def pids(self, name: str) -> list[int]:
        """Processes of this hub whose command line holds ``name``."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    environ = (entry / "environ").read_bytes()
                    mine = f"QSUBMIT_DATA={self.data.resolve()}".encode() in environ
                    if name in command and (mine or str(self.data) in command):
                        found.append(int(entry.name))
        return found

    def kill(self) -> None:
        """Nothing gets a chance to finish."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            deadline = time.monotonic() + 10
            while self.pids("") and time.monotonic() < deadline:
                time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=60)
            return int(self.process.returncode)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextlib.contextmanager
def running(data: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Hub]:
    """A hub for the length of a test."""
    hub = Hub(data=data, port=free_port(), options=options, environ=environ or {})
    data.mkdir(parents=True, exist_ok=True)
    try:
        hub.start()
        yield hub
    finally:
        if hub.process is not None:
            hub.stop()


def wait_all(client: Client, ids: list[str], *, timeout: float = 120) -> dict[str, dict[str, object]]:
    """Every job once it has ended; fails with those that have not."""
    deadline, ended = time.monotonic() + timeout, {}
    while len(ended) < len(ids):
        for job in ids:
            if job not in ended:
                view = client.status(job)
                if view["state"] in ENDED:
                    ended[job] = view
        left = [job for job in ids if job not in ended]
        assert time.monotonic() < deadline, f"{len(left)} of {len(ids)} jobs have not ended: {client.status(left[0])}"
        time.sleep(0.05 if left else 0)
    return ended
