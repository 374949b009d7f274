"""Where does the month's counter of a tiered price stand? From there it is reckoned what a job costs at worst."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from broker.domain.price import Counted, charge, counts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from broker.domain.money import Money
    from broker.domain.price import Price, Usage


class Standing(NamedTuple):
    """``used`` is billed this month; ``live`` is what the jobs that hold money may use at worst."""

    used: int = 0
    live: int = 0


FRESH = Standing()


def month_of(at: datetime) -> str:
    """The month whose counter a run counts on, by its end at the vendor, in UTC: ``2026-11``."""
    return f"{at:%Y-%m}"


def held(price: Price, usage: Usage, standing: Standing = FRESH) -> Money:
    """The most that a job with this worst usage can cost, whichever of the live jobs end before it.

    One more as long as itself is reckoned with, for it may be admitted later and end earlier: so two that race for the
    last cheap minute both hold the dear one. The run may end in the next month, whose counter begins at nothing.
    """
    if not price.counter:
        return charge(price, usage)
    more = standing.live + counts(price, usage)
    months = (standing.used, 0)
    return max((charge(price, usage, Counted(used, used + more)) for used in months), key=lambda cost: cost.micros)


def likely(price: Price, usage: Usage, standing: Standing = FRESH) -> Money:
    """What it will cost if everything that is live is used up before it."""
    at = standing.used + standing.live
    return charge(price, usage, Counted(at, at))


def standing_of(price: Price, standings: Mapping[str, Standing]) -> Standing:
    """The counter of a price among those that are known."""
    return standings.get(price.counter, FRESH)
