"""What did a run use? What its child says, within what was seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.local.book import ENDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.local.book import Job

# What an honest child uses beside the run of a job: reading the request and writing the reply.
BESIDE_MS = 250.0


def seen(answers: Sequence[dict[str, Any]], *, elapsed_s: float, used_s: float, threads: int) -> list[dict[str, Any]]:
    """Answers whose times can be: no more than passed, and for a job alone no less than its processors worked.

    Else a program that has taken its child over would run for nothing, and before everybody else. In a batch nobody
    sees from outside whose work it was; there all that it can have is what a batch may take.
    """
    most_ms = elapsed_s * 1000
    alone = len(answers) == 1 and "later" not in answers[0]
    worked_ms = max(0.0, used_s * 1000 - BESIDE_MS) if alone else 0.0
    return [
        one if "later" in one else one | _times(one, most_ms=most_ms, worked_ms=worked_ms, threads=threads)
        for one in answers
    ]


def _times(one: dict[str, Any], *, most_ms: float, worked_ms: float, threads: int) -> dict[str, float]:
    least = {"run_ms": worked_ms / threads, "cpu_ms": worked_ms}
    return {name: min(max(one[name], few), most_ms) for name, few in least.items()}


def share_out(batch: list[Job], seconds: float) -> None:
    """What a killed run used is not free, or whoever runs into limits would go before everybody else."""
    for job in batch:
        if job.phase not in ENDED:
            job.used_s += seconds / len(batch)
