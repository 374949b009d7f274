"""What does an ended job cost, and whom? The price on what was used, at the pinned rate, capped at what was held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.domain.money import Money, convert, most_within
from broker.domain.price import NOTHING_COUNTED, Counted, charge, counts
from broker.domain.tier import month_of

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.money import Rate
    from broker.domain.price import Price, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """``listed`` is in the vendor's currency, ``due`` in the hub's: ``charged`` to the member, ``loss`` ours.

    ``listed`` is what the hub's contract says. ``published`` is the vendor's own list price of it, where another row
    than the vendor's is the contract. ``usage`` is None where only the worst case is known. ``counted`` is where the
    counter of the price's tiers stood before, in the month of ``ended_at``.
    """

    listed: Money
    due: Money
    charged: Money
    loss: Money
    price: Price | None = None
    rate: Rate | None = None
    usage: Usage | None = None
    published: Money | None = None
    counted: Counted = NOTHING_COUNTED
    ended_at: datetime | None = None

    @property
    def counter(self) -> tuple[str, str] | None:
        """(name, month) of the counter that this bill moves."""
        if self.price is None or not self.price.counter or self.usage is None or self.ended_at is None:
            return None
        return self.price.counter, month_of(self.ended_at)

    @property
    def counts(self) -> int:
        """By how much."""
        return 0 if self.price is None or self.usage is None else counts(self.price, self.usage)


def bill(
    held: Money,
    price: Price,
    rate: Rate | None,
    usage: Usage,
    *,
    counted: Counted = NOTHING_COUNTED,
    published: Money | None = None,
    ended_at: datetime | None = None,
) -> Bill:
    """The member never pays more than was held: what a vendor bills beyond the worst case is the platform's loss."""
    listed = charge(price, usage, counted)
    due = listed if rate is None else convert(listed, rate)
    charged = min(due.micros, held.micros)
    return Bill(
        listed=listed,
        due=due,
        charged=Money(currency=held.currency, micros=charged),
        loss=Money(currency=held.currency, micros=due.micros - charged),
        price=price,
        rate=rate,
        usage=usage,
        published=published,
        counted=counted,
        ended_at=ended_at,
    )


def absorbed(made: Bill) -> Bill:
    """The same bill where the member got nothing for it: the platform bears all of it."""
    return replace(made, charged=replace(made.charged, micros=0), loss=made.due)


def worst(quoted: Money, rate: Rate | None, price: Price | None = None) -> Bill:
    """What a vendor bills at most for a job of which it does not say it any more, as the platform's loss."""
    listed = quoted if rate is None else most_within(quoted, rate)
    due = listed if rate is None else convert(listed, rate)
    return Bill(listed=listed, due=due, charged=replace(due, micros=0), loss=due, price=price, rate=rate)


def nothing(held: Money, usage: Usage) -> Bill:
    """The bill of a simulator without a price."""
    free = replace(held, micros=0)
    return Bill(listed=free, due=free, charged=free, loss=free, usage=usage)


def again(made: Bill, held: Money, counted: Counted) -> Bill:
    """The same bill with the counter standing elsewhere."""
    if made.price is None or made.usage is None or made.counted == counted:
        return made
    found = bill(
        held, made.price, made.rate, made.usage, counted=counted, published=made.published, ended_at=made.ended_at
    )
    return absorbed(found) if made.charged.micros == 0 < made.loss.micros else found
