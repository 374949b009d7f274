"""Who keeps the processes running? Children that start again when they die, and end with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

log = logging.getLogger("qsubmit.supervise")
PR_SET_PDEATHSIG = 1
GRACE_S = 20.0
LONGEST_WAIT_S = 10.0
WELL_S = 5.0  # a program that ran this long had started well: its end is not one more failed start
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A process to keep running."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


def _die_with_parent() -> None:
    # If the supervisor is killed with -9, nobody is left to stop its children; the kernel does it.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Starts programs in order, restarts those that die with a growing pause, stops them in reverse order."""

    def __init__(self) -> None:
        self._programs: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._failures: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._stopping = threading.Event()

    def start(self, program: Program) -> subprocess.Popen[bytes]:
        """Start one and keep it running."""
        process = self._spawn(program)
        self._programs.append((program, process))
        return process

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        self._began[program.name] = time.monotonic()
        return subprocess.Popen(
            program.command,
            env=os.environ | dict(program.environ),
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the one line that says ready
            preexec_fn=_die_with_parent,  # noqa: PLW1509  no threads have started yet that hold locks it needs
            start_new_session=True,
        )

    def ask_to_stop(self, *_: object) -> None:
        """For signals: return from ``watch``."""
        self._stopping.set()

    def watch(self) -> None:
        """Restart what dies, until told to stop."""
        while not self._stopping.wait(0.2):
            for number, (program, process) in enumerate(self._programs):
                if process.poll() is not None:
                    self._programs[number] = (program, self._again(program, process))

    def _again(self, program: Program, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        ran_well = time.monotonic() - self._began[program.name] > WELL_S
        failures = self._failures[program.name] = 1 if ran_well else self._failures.get(program.name, 0) + 1
        pause = min(0.1 * 2**failures, LONGEST_WAIT_S)
        log.error("%s ended with %s; again in %.1f s", program.name, process.returncode, pause)
        self._stopping.wait(pause)
        return process if self._stopping.is_set() else self._spawn(program)

    def check(self) -> None:
        """Raise if a program has already ended.

        Raises:
            RuntimeError: names it.
        """
        for program, process in self._programs:
            if process.poll() is not None:
                raise RuntimeError(f"{program.name} ended with status {process.returncode}")

    def stop(self) -> None:
        """Ask each, last started first, to finish; then make sure."""
        self._stopping.set()
        for program, process in reversed(self._programs):
            _end(program, process)


def _end(program: Program, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        deadline = time.monotonic() + GRACE_S
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    if process.poll() is None:
        log.warning("%s did not finish in time; killed", program.name)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
