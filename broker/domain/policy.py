"""What does the user want of the choice? A preset or a named device, under hard limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.device import Kind
    from broker.domain.money import Money


class Preference(StrEnum):
    """The presets; weights stand in score.py."""

    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    BEST = "best"
    BALANCED = "balanced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A named ``device`` switches scoring off but not the hard limits. ``min_success`` is a probability.

    ``kind`` asks for a QPU, or for a simulator; None takes either. ``refused_by`` lists the devices that have already
    refused this very job, each with what its vendor said.
    """

    prefer: Preference = Preference.BALANCED
    device: str | None = None
    max_cost: Money | None = None
    deadline: datetime | None = None
    min_success: float | None = None
    kind: Kind | None = None
    refused_by: tuple[tuple[str, str], ...] = ()
