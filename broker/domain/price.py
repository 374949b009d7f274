"""What does consumption cost? One formula, ``charge``, for the quote and for the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.money import Money

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """An immutable, dated price row of one device. Amounts are micro-units of ``currency``.

    ``minimum_ms`` is the shortest billed run time per task (Braket simulators: 3,000).
    ``source`` says where the figure was published, or ``operator`` with a name.
    """

    id: str
    device: str
    currency: str
    per_task: int = 0
    per_shot: int = 0
    per_second: int = 0
    minimum_ms: int = 0
    as_of: datetime
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What was, or will at worst be, measurably consumed: vendor tasks, shots over all points, run time."""

    tasks: int = 1
    shots: int = 0
    run_ms: int = 0


def charge(price: Price, usage: Usage) -> Money:
    """Price x usage in the price's currency; part seconds are billed as such and rounded up to a micro-unit."""
    run_ms = max(usage.run_ms, price.minimum_ms * usage.tasks)
    seconds = -(-price.per_second * run_ms // 1000)
    return Money(
        currency=price.currency,
        micros=price.per_task * usage.tasks + price.per_shot * usage.shots + seconds,
    )
