"""What does Amazon bill for a task that has ended? Its status says it, but for a simulator's run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import storable
from broker.domain.price import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


def billed(task: Mapping[str, Any]) -> Usage | None:
    """What the status of an ended task says that Amazon bills.

    One that was stopped costs the shots that had run, a finished one those that it was to run; inside a reservation
    none cost anything. A simulator's run time stands in its result alone: what is said here is then its minimum.
    """
    shots = storable.amount(task.get("numSuccessfulShots"))
    if task["status"] == "COMPLETED":
        return usage_of(task, int(shots or task["shots"]), 0)
    return usage_of(task, shots, 0) if shots and task["status"] in ("FAILED", "CANCELLED") else None


def usage_of(task: Mapping[str, Any], shots: int, run_ms: int) -> Usage:
    """What Amazon bills for a finished task: nothing inside a reservation, which is paid by the hour."""
    if task.get("associations"):
        return Usage(tasks=0, shots=0, run_ms=0)
    return Usage(tasks=1, shots=shots, run_ms=run_ms)
