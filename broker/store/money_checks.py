"""Do budgets, journal and jobs tell the same story? Each check yields whom an invariant is broken for."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select

from broker.domain.attempt import AttemptEnd
from broker.domain.budget import LOSS
from broker.domain.lifecycle import TERMINAL, JobState
from broker.domain.money import Money, convert, most_within
from broker.domain.price import Counted, charge
from broker.domain.recovery import Recovery
from broker.store.attempts import ANSWERS
from broker.store.catalogue import Catalogue
from broker.store.rows import usage_of
from broker.store.tables import attempts, budgets, charges, counters, devices, entries, events, jobs, orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, RowMapping, Subquery
    from sqlalchemy.engine import Connection

    from broker.domain.money import Rate
    from broker.domain.price import Price

PAGE = 1000
ENDS = tuple(sorted(state.value for state in TERMINAL))
RAN = (JobState.RUNNING.value, JobState.FETCHING.value)


def sums_to_zero(connection: Connection) -> Iterator[str]:
    """5: per currency, and for each job, the journal's lines cancel."""
    total = func.sum(entries.c.micros)
    each = select(entries.c.job_id, entries.c.currency).group_by(entries.c.job_id, entries.c.currency)
    for job, currency in connection.execute(each.having(total != 0)):
        yield f"{job or 'no job'} {currency}"


def within_budgets(connection: Connection) -> Iterator[str]:
    """6: held + spent stays within every limit, and both are what the jobs under the budget add up to."""
    over = and_(budgets.c.limit_micros.is_not(None), budgets.c.held + budgets.c.spent > budgets.c.limit_micros)
    below = or_(budgets.c.held < 0, budgets.c.spent < 0)
    yield from connection.execute(select(budgets.c.id).where(or_(over, below))).scalars()
    sums = _of_jobs(connection)
    for row in connection.execute(select(budgets.c.id, budgets.c.held, budgets.c.spent)):
        if (row.held, row.spent) != tuple(sums[row.id]):
            yield row.id


def _of_jobs(connection: Connection) -> dict[str, list[int]]:
    """Budget -> [held, charged] of its jobs. Members share few chains, so that few rows are read."""
    charged = func.coalesce(func.sum(jobs.c.charged), 0)
    query = select(jobs.c.budgets, func.sum(jobs.c.held), charged).group_by(jobs.c.budgets)
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for chain, held, spent in connection.execute(query):
        for budget in json.loads(chain):
            sums[budget][0] += int(held)
            sums[budget][1] += int(spent)
    return sums


def held_in_the_journal(connection: Connection) -> Iterator[str]:
    """7: what a job holds is what the journal still reserves for it."""
    account = entries.c.account.like("member:%:held")
    booked = select(entries.c.job_id, func.sum(entries.c.micros).label("held")).where(account)
    sums = booked.group_by(entries.c.job_id).subquery("sums")
    query = select(jobs.c.id).outerjoin(sums, sums.c.job_id == jobs.c.id)
    yield from connection.execute(query.where(jobs.c.held != func.coalesce(sums.c.held, 0))).scalars()


def owed_is_charged(connection: Connection) -> Iterator[str]:
    """13: what vendors bill for a job, at its pinned rate, is what its member paid and the platform lost."""
    sums = _booked()
    catalogue, rates = Catalogue(connection), dict[str, "Rate | None"]()
    columns = (jobs.c.id, jobs.c.charged, jobs.c.currency, jobs.c.rate_id)
    query = select(*columns, sums).join(sums, sums.c.job_id == jobs.c.id)
    for row in connection.execute(query.execution_options(yield_per=PAGE)).mappings():
        pinned = row["rate_id"]
        if pinned not in rates:
            rates[pinned] = None if pinned is None else catalogue.rate(pinned)
        if _owed(row, rates[pinned]) != row["spent"] + row["loss"] or row["spent"] != (row["charged"] or 0):
            yield row["id"]
    yield from _orphans(connection)


def billed_is_booked(connection: Connection) -> Iterator[str]:
    """13: what the vendor said of an attempt that it consumed is owed to it, whatever became of the job."""
    sums, catalogue, known = _booked(), Catalogue(connection), dict[str, "Price | None"]()
    query = (
        select(jobs.c.id, jobs.c.price_id, attempts.c.usage, sums.c.owed, charges.c.counted_from)
        .join(attempts, attempts.c.job_id == jobs.c.id)
        .outerjoin(sums, sums.c.job_id == jobs.c.id)
        .outerjoin(charges, charges.c.job_id == jobs.c.id)
        .where(attempts.c.usage.is_not(None), jobs.c.state.in_(ENDS), jobs.c.price_id != "")
    )
    for row in connection.execute(query.execution_options(yield_per=PAGE)):
        if row.price_id not in known:
            known[row.price_id] = catalogue.price(row.price_id)
        price, usage = known[row.price_id], usage_of(row.usage)
        at = row.counted_from or 0
        if price is None or usage is None or charge(price, usage, Counted(at, at)).micros != int(row.owed or 0):
            yield row.id


def charges_are_booked(connection: Connection) -> Iterator[str]:
    """13: a row of charges says what the journal says, and the counters stand where the rows have brought them."""
    sums = _booked()
    booked = [func.coalesce(column, 0) for column in (sums.c.owed, sums.c.spent, sums.c.loss)]
    said = (charges.c.contract, charges.c.billed, charges.c.loss)
    other = or_(*(theirs != ours for theirs, ours in zip(said, booked, strict=True)))
    yield from connection.execute(
        select(charges.c.job_id).outerjoin(sums, sums.c.job_id == charges.c.job_id).where(other)
    ).scalars()
    counted = (
        select(charges.c.counter, charges.c.month, func.sum(charges.c.counted).label("counted"))
        .where(charges.c.counter.is_not(None))
        .group_by(charges.c.counter, charges.c.month)
        .subquery("counted")
    )
    same = and_(counted.c.counter == counters.c.name, counted.c.month == counters.c.month)
    moved = select(counters.c.name, counters.c.month).outerjoin(counted, same)
    for name, month in connection.execute(moved.where(counters.c.used != func.coalesce(counted.c.counted, 0))):
        yield f"{name} {month}"


def lost_runs_are_booked(connection: Connection) -> Iterator[str]:
    """13: a paid run that was seen to run, or to be done, and then lost is booked at its worst case.

    Found from the moves, so also where nobody wrote down that a vendor would bill it.
    """
    sums, catalogue = _booked(), Catalogue(connection)
    free = select(devices.c.backend).where(devices.c.recovery == Recovery.RERUN.value)
    ran = select(events.c.seq).where(
        events.c.job_id == jobs.c.id, events.c.after.in_(RAN), events.c.at >= attempts.c.intent_at
    )
    query = (
        select(jobs.c.id, jobs.c.quoted, jobs.c.currency, jobs.c.rate_id, sums.c.owed)
        .join(attempts, and_(attempts.c.job_id == jobs.c.id, attempts.c.number == jobs.c.attempt))
        .outerjoin(sums, sums.c.job_id == jobs.c.id)
        .where(attempts.c.ended == AttemptEnd.LOST.value, attempts.c.usage.is_(None), ran.exists())
        .where(jobs.c.state.in_(ENDS), jobs.c.price_id != "", jobs.c.backend.not_in(free))
    )
    for row in connection.execute(query.execution_options(yield_per=PAGE)):
        quoted = Money(currency=row.currency, micros=row.quoted)
        rate = catalogue.rate(row.rate_id) if row.rate_id else None
        most = quoted if rate is None else most_within(quoted, rate)
        if most.micros != int(row.owed or 0):
            yield row.id


def _booked() -> Subquery:
    """Per job: owed to vendors in their currency, spent and lost in the hub's."""
    owed, spent = entries.c.account.like("vendor:%:payable"), entries.c.account.like("member:%:spent")
    return (
        select(
            entries.c.job_id,
            _sum(owed, -entries.c.micros).label("owed"),
            func.max(case((owed, entries.c.currency))).label("listed_in"),
            _sum(spent, entries.c.micros).label("spent"),
            _sum(entries.c.account == LOSS, entries.c.micros).label("loss"),
        )
        .where(entries.c.job_id.is_not(None))
        .group_by(entries.c.job_id)
        .subquery("booked")
    )


def _sum(which: ColumnElement[bool], amount: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(case((which, amount), else_=0))


def _owed(row: RowMapping, rate: Rate | None) -> int | None:
    listed, currency = int(row["owed"]), row["listed_in"]
    if currency is None or currency == row["currency"]:
        return listed
    if rate is None or rate.base != currency:
        return None
    return convert(Money(currency=currency, micros=listed), rate).micros


def _orphans(connection: Connection) -> Iterator[str]:
    """What orphans cost is the platform's loss, and nobody else's: no attempt answers for one as well."""
    booked = select(entries.c.currency, func.sum(entries.c.micros)).where(
        entries.c.kind == "orphan", entries.c.account == LOSS
    )
    noted = select(orphans.c.currency, func.sum(orphans.c.loss)).where(orphans.c.loss.is_not(None))
    lost = dict(connection.execute(booked.group_by(entries.c.currency)).all())
    known = dict(connection.execute(noted.group_by(orphans.c.currency)).all())
    for currency in sorted({*lost, *(c for c in known if c)}):
        if int(lost.get(currency, 0)) != int(known.get(currency, 0)):
            yield f"orphans {currency}"
    same = and_(attempts.c.backend == orphans.c.backend, attempts.c.remote_id == orphans.c.remote_id)
    twice = select(attempts.c.job_id).join(orphans, same).where(ANSWERS)
    yield from connection.execute(twice).scalars()
