"""Which vendor's sandbox shall run? ``python -m backends.sandbox VENDOR --data DIR --port P``; ``all`` runs each."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import subprocess
import sys
import threading
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GROUP = "qsubmit.sandboxes"


def vendors() -> dict[str, EntryPoint]:
    """Every installed sandbox by its vendor's name, in the order of the names; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m backends.sandbox", description="Serve a vendor's sandbox.")
    parser.add_argument("vendor", choices=[*vendors(), "all"])
    parser.add_argument("--data", type=Path, required=True, help="directory that survives restarts")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port; all takes P, P+1, P+2")
    parser.add_argument("--awake", type=Path, help="a file that is locked while this runs")
    parser.add_argument("--rest", type=float, help="end after so many seconds in which nobody asked and nothing ran")
    parser.add_argument("--tethered", action="store_true", help="end when standard input closes")
    chosen = parser.parse_args(arguments)
    os.umask(0o077)  # its ledger and its signing key are for its user alone
    if chosen.tethered:
        threading.Thread(target=_end_with_input, daemon=True).start()
    if chosen.vendor == "all":
        return _serve_all(chosen.data, chosen.host, chosen.port)
    serve = vendors()[chosen.vendor].load()
    with contextlib.nullcontext() if chosen.awake is None else awake(chosen.awake):
        serve(data=chosen.data, host=chosen.host, port=chosen.port, rest_s=chosen.rest)
    return 0


@contextlib.contextmanager
def awake(path: Path) -> Iterator[None]:
    """Let others see that we run: the kernel ends the lock however we end, and the file's time tells since when."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(file.fileno())
        yield


def woken(path: Path) -> tuple[bool, int]:
    """Whether a sandbox runs that holds this file, and when one was last begun, in the file system's nanoseconds."""
    try:
        with path.open() as file:
            since = os.fstat(file.fileno()).st_mtime_ns
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True, since
            return False, since
    except FileNotFoundError:
        return False, 0


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _serve_all(data: Path, host: str, port: int) -> int:
    """One tethered process for each vendor, so that none outlives this one; ends when the first of them ends."""
    children = {
        vendor: _child(vendor, data / vendor, host, port + place if port else 0)
        for place, vendor in enumerate(vendors())
    }
    relays = [threading.Thread(target=_relay, args=pair, daemon=True) for pair in children.items()]
    for relay in relays:
        relay.start()
    try:
        return _first_end(list(children.values()))
    except KeyboardInterrupt:
        return 0
    finally:
        for child in children.values():
            child.terminate()


def _child(vendor: str, data: Path, host: str, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "backends.sandbox", vendor, "--tethered"]
    command += ["--data", str(data), "--host", host, "--port", str(port)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _relay(vendor: str, child: subprocess.Popen[str]) -> None:
    """Repeat ``ready URL`` as ``ready VENDOR URL``."""
    for line in child.stdout or ():
        sys.stdout.write(line.replace("ready ", f"ready {vendor} ", 1))
        sys.stdout.flush()


def _first_end(children: Sequence[subprocess.Popen[str]]) -> int:
    while True:
        for child in children:
            try:
                return child.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue


if __name__ == "__main__":
    sys.exit(main())
