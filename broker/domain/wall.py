"""Which walls stand around the programs that a machine runs? What its worker saw, and what a missing one means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

# Workers report with each look at their devices; a machine that was silent for an hour runs nothing any more.
REPORTED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wall:
    """One wall on one machine; ``means`` is what is open where it does not stand, and how to have it."""

    machine: str
    name: str
    stands: bool
    means: str
    seen_at: datetime
