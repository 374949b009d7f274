"""Why this device? Every offer with its figures and every refusal with its rule, kept and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.domain.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A device that can run the job. ``cost`` is the worst case in the hub's currency, ``list_cost`` in the vendor's.

    ``wait_s`` and ``run_s`` are expectations; ``wait_p90_s`` the cautious one; ``history`` counts the jobs they rest
    on (0 = a guess from the device's data). ``success`` is an estimated probability. Lower ``score`` is better.
    """

    device: str
    cost: Money
    list_cost: Money
    price: str
    rate: str | None
    wait_s: float
    wait_p90_s: float
    run_s: float
    history: int
    success: float
    score: float
    sandbox: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A device that cannot or may not. ``rule`` is a stable word (``access``, ``width``, ``format``, ...)."""

    device: str
    rule: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """All offers, best first, all refusals by device name, and the chosen device (None if nobody offers)."""

    offers: tuple[Offer, ...]
    refusals: tuple[Refusal, ...]
    choice: str | None
    why: str
