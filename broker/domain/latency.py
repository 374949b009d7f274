"""Where did a job's time go? The split by its moves; in SQL, for many jobs, by the same rule in store/durations.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.lifecycle import STAGE, TERMINAL, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Seconds per stage; None for a stage not reached."""

    broker_queue_s: float | None
    vendor_queue_s: float | None
    run_s: float | None
    fetch_s: float | None
    total_s: float


def latency(moves: Sequence[tuple[str, datetime]], run_ms: int | None, now: datetime) -> Latency:
    """The split of a job's time by its moves (state entered, when).

    Where the vendor reports the run time, it replaces what polling saw of it, and the rest of the time between
    acceptance and the end of the run was spent in the vendor's queue.
    """
    spent: dict[str, float] = {}
    ends = [at for _, at in moves[1:]] + [now]
    for (state, since), until in zip(moves, ends, strict=True):
        stage = STAGE.get(JobState(state))
        if stage is not None:
            spent[stage] = spent.get(stage, 0.0) + (until - since).total_seconds()
    ended = moves[-1][1] if JobState(moves[-1][0]) in TERMINAL else now
    vendor, run = spent.get("vendor"), spent.get("run")
    if run_ms is not None and vendor is not None:
        there = vendor + (run or 0.0)
        run = min(run_ms / 1000, there)
        vendor = there - run
    return Latency(
        broker_queue_s=spent.get("broker"),
        vendor_queue_s=vendor,
        run_s=run,
        fetch_s=spent.get("fetch"),
        total_s=(ended - moves[0][1]).total_seconds(),
    )
