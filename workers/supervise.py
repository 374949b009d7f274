"""Who keeps the processes running? What dies or stops answering is started again; all end with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("qsubmit.supervise")
PR_SET_PDEATHSIG = 1
GRACE_S = 20.0
LONGEST_WAIT_S = 10.0
WELL_S = 5.0  # a program that ran this long had started well: its end is not one more failed start
LOOK_S = 0.2
ASK_S = 5.0
# A gateway on a busy machine may be slow; one that is silent for all of these has stopped serving.
SILENT_S, SILENCES = 10.0, 3
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A process to keep running; with ``probe``, an HTTP address at which it must answer once it has answered.

    ``fds`` are descriptors that it inherits, under the same numbers.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    probe: str = ""
    fds: tuple[int, ...] = ()


class Kept(Protocol):
    """Something that is to run: looked at again and again, and begun again when it has ended."""

    name: str

    def ended(self) -> str | None:
        """How it ended, or None while it runs."""

    def begin(self) -> None:
        """Start it, again if need be."""

    def end(self) -> None:
        """Ask it to finish, then make sure."""


class Supervisor:
    """Starts things in order, restarts those that end, each with its own growing pause, stops them in reverse."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []
        self._stopping = threading.Event()

    def start(self, program: Program) -> Process:
        """Start a program and keep it running."""
        process = Process(program)
        process.begin()
        self.keep(process)
        if program.probe:
            threading.Thread(target=self._probe, args=(process,), name=f"probe-{program.name}", daemon=True).start()
        return process

    def keep(self, kept: Kept) -> None:
        """Keep something running that runs already."""
        self._watched.append(Watched(kept))

    def ask_to_stop(self, *_: object) -> None:
        """For signals: return from ``watch``."""
        self._stopping.set()

    def watch(self) -> None:
        """Restart what ends, until told to stop."""
        while not self._stopping.wait(LOOK_S):
            for watched in self._watched:
                watched.look(time.monotonic())

    def check(self) -> None:
        """Raise if something has already ended.

        Raises:
            RuntimeError: names it.
        """
        for watched in self._watched:
            if (how := watched.kept.ended()) is not None:
                raise RuntimeError(f"{watched.kept.name} ended with {how}")

    def stop(self) -> None:
        """Ask each, last started first, to finish; then make sure."""
        self._stopping.set()
        for watched in reversed(self._watched):
            watched.kept.end()

    def _probe(self, process: Process) -> None:
        silences = 0
        while not self._stopping.wait(ASK_S):
            if process.answers(SILENT_S):
                silences = 0
                continue
            silences += 1
            if silences >= SILENCES and process.ended() is None and not self._stopping.is_set():
                log.error("%s does not answer any more; killed", process.name)
                process.kill()
                silences = 0


class Watched:
    """One thing that is kept, with how often it failed to start and when it is tried again."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._failures = 0
        self._began = time.monotonic()
        self._again_at: float | None = None

    def look(self, now: float) -> None:
        """See whether it runs; begin it again once its pause is over. Never waits: the others may have ended too."""
        if self._again_at is None:
            how = self.kept.ended()
            if how is not None:
                self._note(how, now)
        elif now >= self._again_at:
            self._again_at, self._began = None, now
            try:
                self.kept.begin()
            except Exception as error:  # noqa: BLE001  whatever keeps it from starting, it is tried again
                self._note(f"{type(error).__name__}: {error}", now)

    def _note(self, how: str, now: float) -> None:
        self._failures = 1 if now - self._began > WELL_S else self._failures + 1
        pause = min(0.1 * 2**self._failures, LONGEST_WAIT_S)
        self._again_at = now + pause
        log.error("%s ended with %s; again in %.1f s", self.kept.name, how, pause)


class Process:
    """A program as a child process."""

    def __init__(self, program: Program) -> None:
        self.name = program.name
        self._program = program
        self._answered = False
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of the process that runs now, or ran last."""
        return 0 if self._popen is None else self._popen.pid

    def begin(self) -> None:
        """Start it."""
        self._answered = False
        self._popen = subprocess.Popen(
            self._program.command,
            env=os.environ | dict(self._program.environ),
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the one line that says ready
            preexec_fn=_die_with_parent,  # noqa: PLW1509  it calls one function of the C library and takes no lock
            start_new_session=True,
            pass_fds=self._program.fds,
        )

    def ended(self) -> str | None:
        """``status N``, or None while it runs."""
        status = None if self._popen is None else self._popen.poll()
        return None if status is None else f"status {status}"

    def answers(self, patience_s: float) -> bool:
        """Whether its address answers, with whatever status; true until it has answered for the first time."""
        try:
            with urllib.request.urlopen(self._program.probe, timeout=patience_s):  # noqa: S310  our own address
                self._answered = True
        except urllib.error.HTTPError:
            self._answered = True
        except OSError:
            return not self._answered
        return True

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def end(self) -> None:
        """SIGTERM, and SIGKILL after ``GRACE_S``."""
        if self._popen is None:
            return
        if self._popen.poll() is None:
            self._popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(GRACE_S)
        if self._popen.poll() is None:
            log.warning("%s did not finish in time; killed", self.name)
        self.kill()
        self._popen.wait()


class Server:
    """A server that is no child of ours, told by three functions."""

    def __init__(
        self, name: str, *, runs: Callable[[], bool], begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        self.name = name
        self._runs = runs
        self._begin = begin
        self._end = end

    def ended(self) -> str | None:
        """``no process``, or None while it runs."""
        return None if self._runs() else "no process"

    def begin(self) -> None:
        """Start it."""
        self._begin()

    def end(self) -> None:
        """Stop it."""
        self._end()


def _die_with_parent() -> None:
    # If the supervisor is killed with -9, nobody is left to stop its children; the kernel does it.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
