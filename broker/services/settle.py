"""What does the job cost in the end? Price x usage, converted at the pinned rate, capped at what was held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.budget import settle_entries
from broker.domain.change import Change, free, move
from broker.domain.lifecycle import JobState
from broker.domain.money import Money, convert, most_within
from broker.domain.price import Usage, charge

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.attempt import Attempt, AttemptEnd
    from broker.domain.job import Job
    from broker.domain.money import Rate
    from broker.domain.price import Price
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """``listed`` is in the vendor's currency, ``due`` in the hub's: ``charged`` to the member, ``loss`` ours."""

    listed: Money
    due: Money
    charged: Money
    loss: Money


def bill(job: Job, price: Price, rate: Rate | None, usage: Usage) -> Bill:
    """The member never pays more than was held: what a vendor bills beyond the worst case is the platform's loss."""
    listed = charge(price, usage)
    due = listed if rate is None else convert(listed, rate)
    charged = min(due.micros, job.held.micros)
    currency = job.held.currency
    return Bill(
        listed=listed,
        due=due,
        charged=Money(currency=currency, micros=charged),
        loss=Money(currency=currency, micros=due.micros - charged),
    )


def absorbed(made: Bill) -> Bill:
    """The same bill where the member got nothing for it: the platform bears all of it."""
    return replace(made, charged=replace(made.charged, micros=0), loss=made.due)


def worst(quoted: Money, rate: Rate | None) -> Bill:
    """What a vendor bills at most for a job of which it does not say it any more, as the platform's loss."""
    listed = quoted if rate is None else most_within(quoted, rate)
    due = listed if rate is None else convert(listed, rate)
    return Bill(listed=listed, due=due, charged=replace(due, micros=0), loss=due)


class Tariff:
    """The price and rate rows that jobs are pinned to; rows are immutable, so what was read once stays true."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._prices: dict[str, Price] = {}
        self._rates: dict[str, Rate] = {}

    def bill(self, job: Job, usage: Usage) -> Bill:
        """The bill of a job for what was consumed; a simulator without a price row is free."""
        if not job.price:
            nothing = replace(job.held, micros=0)
            return Bill(listed=nothing, due=nothing, charged=nothing, loss=nothing)
        rate = self._pinned(job)
        return bill(job, self._prices[job.price], rate, usage)

    def without_result(self, job: Job, usage: Usage | None) -> Bill:
        """The bill of a paid run that gave its member nothing. Without ``usage`` it is the worst case.

        It is the platform's: a member pays for what he gets, or for what failed by its own program, and this is
        neither. Do not book nothing here because nothing was said: the vendor's invoice comes all the same.
        """
        if usage is not None or not job.price:
            return absorbed(self.bill(job, usage or Usage()))
        return worst(job.quoted, self._pinned(job))

    def _pinned(self, job: Job) -> Rate | None:
        if job.price not in self._prices or (job.rate is not None and job.rate not in self._rates):
            self._read(job)
        return None if job.rate is None else self._rates[job.rate]

    def _read(self, job: Job) -> None:
        with self._store.read() as work:
            price = work.catalogue.price(job.price)
            rate = None if job.rate is None else work.catalogue.rate(job.rate)
        if price is None or (job.rate is not None and rate is None):
            raise LookupError(f"job {job.id} is pinned to price {job.price} and rate {job.rate}, which are not stored")
        self._prices[price.id] = price
        if rate is not None:
            self._rates[rate.id] = rate


def ended(  # noqa: PLR0913  an end has this many parts
    change: Change,
    to: JobState,
    how: AttemptEnd,
    *,
    at: datetime,
    reason: str = "",
    cost: Bill | None = None,
    usage: Usage | None = None,
    code: str | None = None,
) -> Change:
    """The job's end with its bill: the charge is booked on every ancestor, the rest of the hold goes back."""
    attempt = None if change.attempt is None else _over(change.attempt, how, reason, usage)
    change = alter(change, attempt=attempt)
    if cost is None or cost.due.micros == 0:
        run_ms = None if usage is None else usage.run_ms
        return free(alter(change, job=alter(change.job, run_ms=run_ms)), to, at=at, reason=reason, code=code)
    return move(_booked(change, cost, usage, code, reason), to, at=at, reason=reason)


def _over(attempt: Attempt, how: AttemptEnd, reason: str, usage: Usage | None) -> Attempt:
    # Kept beside the entries, so that invariant 13 can ask for them: a bill that nobody booked is found in the rows.
    return alter(attempt, end=how, detail=reason, usage=attempt.usage if usage is None else usage)


def _booked(change: Change, cost: Bill, usage: Usage | None, code: str | None, reason: str) -> Change:
    job = change.job
    paid = alter(
        job,
        held=replace(job.held, micros=0),
        charged=cost.charged,
        run_ms=None if usage is None else usage.run_ms,
        error_code=code,
        error=reason if code else None,
    )
    return alter(
        change,
        job=paid,
        entries=(*change.entries, *settle_entries(job, charged=cost.charged, listed=cost.listed, loss=cost.loss)),
        held=change.held - job.held.micros,
        spent=change.spent + cost.charged.micros,
    )
