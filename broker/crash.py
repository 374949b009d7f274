"""Where can a process die? Named points: nothing in production, SIGKILL under test, an exception in simulation."""

from __future__ import annotations

import os
import signal
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
    "fetch.before",
    "fetch.after",
    "settle.before_commit",
    "settle.after_commit",
    "reconcile.before_find",
    "reconcile.after_find",
    "reconcile.before_commit",
    "cancel.before_commit",
    "cancel.before_send",
    "cancel.after_send",
)


class CrashPlan:
    """Kills this process at the n-th visit of one point: ``QSUBMIT_CRASH=submit.after_send`` or ``...:3``."""

    def __init__(self, plan: str) -> None:
        self.point, _, nth = plan.partition(":")
        self.left = int(nth or 1)

    def __call__(self, name: str) -> None:
        """Die here if it is time."""
        if name == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_visit: Callable[[str], None] | None = CrashPlan(os.environ["QSUBMIT_CRASH"]) if "QSUBMIT_CRASH" in os.environ else None


def crashpoint(name: str) -> None:
    """Mark a place where the process may die; free unless a plan is set."""
    if _visit is not None:
        _visit(name)


def visit_with(hook: Callable[[str], None] | None) -> None:
    """Let a simulation decide what happens at crash points."""
    global _visit  # noqa: PLW0603  the one switch of this file
    _visit = hook
