"""Where can a process die? Named points: nothing in production, SIGKILL under test, an exception in simulation."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = (
    "gateway.received",
    "gateway.before_commit",
    "gateway.after_commit",
    "gateway.after_ring",
    "claim.before_commit",
    "claim.after_commit",
    "submit.before_send",
    "submit.after_send",
    "record.before_commit",
    "record.after_commit",
    "poll.before",
    "poll.after",
    "poll.before_commit",
    "poll.after_commit",
    "fetch.before",
    "fetch.after",
    "settle.before_commit",
    "settle.after_commit",
    "reconcile.before_find",
    "reconcile.after_find",
    "reconcile.before_commit",
    "reconcile.after_commit",
    "cancel.before_commit",
    "cancel.after_commit",
    "cancel.before_send",
    "cancel.after_send",
)


class CrashPlan:
    """A plan in a file, so that one process of a service that already runs can be told to die: one process, once.

    ``QSUBMIT_CRASH`` names the file; its only line is ``PROGRAM POINT NTH SIGNAL SERIAL``. Who runs PROGRAM (a word
    of its command line) and comes to POINT for the NTH time renames the file to ``FILE.PID``, the proof of where it
    was, and gets the signal.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._command = " ".join(sys.orig_argv)
        self._visits: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        """Die here if it is time."""
        try:
            plan = Path(self._file).read_text()
        except FileNotFoundError:
            return
        program, point, nth, number, _ = plan.split()
        if name != point or program not in self._command:
            return
        self._visits[plan] += 1
        if self._visits[plan] == int(nth):
            with contextlib.suppress(FileNotFoundError):  # somebody else was first
                Path(self._file).rename(f"{self._file}.{os.getpid()}")
                # To this thread: one sent to the process would let it run on until another thread has taken it.
                signal.pthread_kill(threading.get_ident(), int(number))


_visit: Callable[[str], None] | None = CrashPlan(os.environ["QSUBMIT_CRASH"]) if "QSUBMIT_CRASH" in os.environ else None


def crashpoint(name: str) -> None:
    """Mark a place where the process may die; free unless a plan is set."""
    if _visit is not None:
        _visit(name)


def visit_with(hook: Callable[[str], None] | None) -> None:
    """Let a simulation decide what happens at crash points."""
    global _visit  # noqa: PLW0603  the one switch of this file
    _visit = hook
