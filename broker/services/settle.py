"""What does the job cost in the end? Its pinned price on what was used; booked in the transaction of its end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.bill import absorbed, again, bill, nothing, worst
from broker.domain.budget import settle_entries
from broker.domain.change import Booking, Change, free, move
from broker.domain.estimate import with_gates
from broker.domain.lifecycle import JobState
from broker.domain.price import Counted, Usage, by_program, charge
from broker.store.catalogue import OPERATOR
from broker.store.requirement_text import load_requirement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.attempt import Attempt, AttemptEnd
    from broker.domain.bill import Bill
    from broker.domain.job import Job
    from broker.domain.money import Money, Rate
    from broker.domain.price import Price
    from broker.domain.requirement import Requirement
    from broker.store.unit_of_work import Store, Work


class Tariff:
    """The price and rate rows that jobs are pinned to; rows are immutable, so what was read once stays true."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._prices: dict[str, tuple[Price, str]] = {}
        self._rates: dict[str, Rate] = {}
        self._published: dict[tuple[str, str], Price | None] = {}

    def bill(self, job: Job, usage: Usage, *, at: datetime) -> Bill:
        """The bill of a job for what was consumed until ``at``; a simulator without a price row is free.

        Where the price has tiers, it is the bill at the counter's beginning: apply.py makes it again where it stands.
        """
        if not job.price:
            return nothing(job.held, usage)
        rate = self._pinned(job)
        price, _ = self._prices[job.price]
        used = self._counted(job, price, usage)
        return bill(job.held, price, rate, used, published=self._at_list(job, used), ended_at=at)

    def without_result(self, job: Job, usage: Usage | None, *, at: datetime) -> Bill:
        """The bill of a paid run that gave its member nothing. Without ``usage`` it is the worst case.

        It is the platform's: a member pays for what he gets, or for what failed by its own program, and this is
        neither. Do not book nothing here because nothing was said: the vendor's invoice comes all the same.
        """
        if usage is not None or not job.price:
            return absorbed(self.bill(job, usage or Usage(), at=at))
        rate = self._pinned(job)
        return worst(job.quoted, rate, self._prices[job.price][0])

    def _counted(self, job: Job, price: Price, usage: Usage) -> Usage:
        """Vendors report shots, not gates: those are the program's."""
        if not by_program(price) or usage.gate1_shots or usage.gate2_shots or usage.readout_shots:
            return usage
        return with_gates(usage, self._need(job), usage.shots)

    def _need(self, job: Job) -> Requirement:
        with self._store.read() as work:
            _, text = work.archive.programs([job.program])[job.program]
        return load_requirement(json.loads(text))

    def _at_list(self, job: Job, usage: Usage) -> Money | None:
        """What the vendor's own row would ask, where the contract is the operator's."""
        if self._prices[job.price][1] != OPERATOR:
            return None
        key = (job.price, f"{job.created_at:%Y-%m-%d}")
        if key not in self._published:
            with self._store.read() as work:
                self._published[key] = work.catalogue.published(job.device, job.created_at)
        found = self._published[key]
        return None if found is None else charge(found, usage)

    def _pinned(self, job: Job) -> Rate | None:
        if job.price not in self._prices or (job.rate is not None and job.rate not in self._rates):
            self._read(job)
        return None if job.rate is None else self._rates[job.rate]

    def _read(self, job: Job) -> None:
        with self._store.read() as work:
            price = work.catalogue.pinned(job.price)
            rate = None if job.rate is None else work.catalogue.rate(job.rate)
        if price is None or (job.rate is not None and rate is None):
            raise LookupError(f"job {job.id} is pinned to price {job.price} and rate {job.rate}, which are not stored")
        self._prices[job.price] = price
        if rate is not None:
            self._rates[rate.id] = rate


def where_it_stands(work: Work, changes: Sequence[Change]) -> list[Change]:
    """The changes with the bills of tiered prices made anew at their counters, in the order of vendor completion.

    Before any other row is written: whoever holds a budget's or a job's row waits for no counter.
    """
    moved = [change for change in changes if change.booking is not None and change.booking.bill.counter]
    if not moved:
        return list(changes)
    names = sorted({name for change in moved if (name := _counter(change))})
    stands = {name: work.counters.lock(*name) for name in names}
    anew: dict[str, Change] = {}
    for change in sorted(moved, key=_ended):
        name = _counter(change)
        if name is not None and change.booking is not None:
            at = stands[name]
            anew[change.job.id] = _rebooked(change, Counted(at, at))
            stands[name] += change.booking.bill.counts
    work.counters.set(stands)
    return [anew.get(change.job.id, change) for change in changes]


def _counter(change: Change) -> tuple[str, str] | None:
    return None if change.booking is None else change.booking.bill.counter


def _ended(change: Change) -> tuple[datetime, str]:
    ended_at = None if change.booking is None else change.booking.bill.ended_at
    return ended_at or change.job.updated_at, change.job.id


def _rebooked(change: Change, counted: Counted) -> Change:
    booking = change.booking
    if booking is None:
        return change
    made = again(booking.bill, booking.job.held, counted)
    job, spent = alter(change.job, charged=made.charged), change.spent + made.charged.micros
    entries = (*booking.before, *settle_entries(booking.job, charged=made.charged, listed=made.listed, loss=made.loss))
    return alter(
        change,
        job=job,
        spent=spent - booking.bill.charged.micros,
        entries=entries,
        booking=replace(booking, bill=made),
    )


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
    told = usage if cost is None or cost.usage is None else cost.usage
    attempt = None if change.attempt is None else _over(change.attempt, how, reason, told)
    booking = None if cost is None else Booking(bill=cost, job=change.job, before=change.entries)
    change = alter(change, attempt=attempt, booking=booking)
    # A tiered price that asks nothing at the beginning of its month may ask something where the counter stands.
    if cost is None or (cost.due.micros == 0 and cost.counter is None):
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
