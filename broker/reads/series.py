"""What happened over time in one hub? Series and remarks for dashboards that ask the broker itself, not Prometheus."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from broker.domain.eta import quantile
from broker.domain.lifecycle import LIVE, TERMINAL
from broker.domain.money import MICRO
from broker.reads.reach import Reach
from broker.store import tables
from broker.store.durations import STAGES, durations, ends
from broker.store.people import budget_id
from broker.store.rows import micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from broker.store.unit_of_work import Store, Work

MOST_STEPS = 2000
MOST_JOBS = 50_000  # latency quantiles are taken over the newest of so many ended jobs
QUANTILES = {"p50": 0.5, "p90": 0.9}


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From ``begin`` to ``end`` in steps; step ``n`` ends at ``begin`` + (n + 1) × ``step``."""

    begin: datetime
    end: datetime
    step: timedelta

    @classmethod
    def of(cls, begin: datetime, end: datetime, *, step: timedelta, most: int) -> Span:
        """Steps no shorter than asked, and no more than ``most`` of them."""
        length = max(end - begin, timedelta(seconds=1))
        widest = max(step, length / max(1, min(most, MOST_STEPS)), timedelta(milliseconds=1))
        return cls(begin=begin, end=begin + length, step=widest)

    @property
    def times(self) -> list[datetime]:
        """The end of each step."""
        count = -((self.begin - self.end) // self.step)
        return [self.begin + self.step * (number + 1) for number in range(count)]

    def number(self, at: ColumnElement[int]) -> ColumnElement[int]:
        """In SQL, the step that a time of ours in the span falls into; the last step for what comes later."""
        return (at - micros(self.begin)) // (self.step // timedelta(microseconds=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A name, and values at times."""

    name: str
    points: tuple[tuple[float, datetime], ...]


def series(store: Store, hub: str, target: str, span: Span) -> list[Series]:
    """The series of a target for one hub; rows of another hub do not exist here.

    Raises:
        KeyError: there is no such target.
    """
    read = TARGETS[target]
    with store.read() as work:
        return read(work, hub, span)


def jobs_by_state(work: Work, hub: str, span: Span) -> list[Series]:
    """How many jobs stood in each live state at the end of each step."""
    events, live = tables.events, {state.value for state in LIVE}
    step = span.number(events.c.at)
    before = select(events.c.before, events.c.after, func.count()).where(_of_hub(events.c.organisation_id, hub))
    earlier = before.where(events.c.at < micros(span.begin)).group_by(events.c.before, events.c.after)
    counts: dict[str, float] = dict.fromkeys(sorted(live), 0.0)
    moves: dict[int, list[tuple[str | None, str, int]]] = defaultdict(list)
    for left, entered, count in work.connection.execute(earlier):
        _shift(counts, left, entered, count)
    inside = before.add_columns(step).where(events.c.at >= micros(span.begin), events.c.at < micros(span.end))
    for left, entered, count, number in work.connection.execute(inside.group_by(events.c.before, events.c.after, step)):
        moves[int(number)].append((left, entered, count))
    points: dict[str, list[tuple[float, datetime]]] = {state: [] for state in counts}
    for number, at in enumerate(span.times):
        for move in moves[number]:
            _shift(counts, *move)
        for state, value in counts.items():
            points[state].append((value, at))
    return [Series(name=state, points=tuple(values)) for state, values in points.items()]


def _shift(counts: dict[str, float], left: str | None, entered: str, count: int) -> None:
    if left in counts:
        counts[left] -= count
    if entered in counts:
        counts[entered] += count


def jobs_finished(work: Work, hub: str, span: Span) -> list[Series]:
    """How many jobs ended in each step, by how they ended."""
    events, endings = tables.events, sorted(state.value for state in TERMINAL)
    step = span.number(events.c.at)
    query = select(events.c.after, step, func.count()).where(
        _of_hub(events.c.organisation_id, hub), events.c.after.in_(endings), *_within(events.c.at, span)
    )
    sums = {name: defaultdict[int, float](float) for name in endings}
    for after, number, count in work.connection.execute(query.group_by(events.c.after, step)):
        sums[after][int(number)] += count
    return _steps(sums, span)


def latency(work: Work, hub: str, span: Span) -> list[Series]:
    """Seconds per stage of the jobs that ended in each step: median and 90th percentile; no job, no value."""
    events = tables.events
    ended = ends(_of_hub(events.c.organisation_id, hub), *_within(events.c.at, span))
    each = durations(ended).order_by(ended.c.at.desc()).limit(MOST_JOBS)
    found: dict[str, dict[int, list[float]]] = {stage: defaultdict(list) for stage in STAGES}
    for row in work.connection.execute(each).mappings():
        number = (row["ended_at"] - micros(span.begin)) // (span.step // timedelta(microseconds=1))
        for stage in STAGES:
            if row[stage] is not None:
                found[stage][number].append(row[stage] / 1e6)
    times = span.times
    return [
        Series(
            name=f"{stage} {name}",
            points=tuple((quantile(sorted(values), share), times[n]) for n, values in sorted(found[stage].items())),
        )
        for stage in STAGES
        for name, share in QUANTILES.items()
    ]


def spend_by_organisation(work: Work, hub: str, span: Span) -> list[Series]:
    """What was charged in each step, in the hub's currency."""
    events, jobs = tables.events, tables.jobs
    ended = ends(_of_hub(events.c.organisation_id, hub), *_within(events.c.at, span))
    step = span.number(ended.c.at)
    query = select(jobs.c.organisation_id, step, func.sum(jobs.c.charged)).join(ended, ended.c.job_id == jobs.c.id)
    names = _organisations(work, hub)
    sums = {name: defaultdict[int, float](float) for name in names.values()}
    for organisation, number, charged in work.connection.execute(query.group_by(jobs.c.organisation_id, step)):
        sums[names[organisation]][int(number)] += int(charged or 0) / MICRO
    return _steps(sums, span)


def budget_left(work: Work, hub: str, span: Span) -> list[Series]:
    """What could still be held at the end of each step: today's figure, less what the journal says came after."""
    entries, jobs = tables.entries, tables.jobs
    used = entries.c.account.like("member:%:held") | entries.c.account.like("member:%:spent")
    step = span.number(entries.c.at)
    query = select(jobs.c.organisation_id, step, func.sum(entries.c.micros)).join(jobs, jobs.c.id == entries.c.job_id)
    query = query.where(jobs.c.hub_id == hub, used, entries.c.at >= micros(span.begin))
    later: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for organisation, number, amount in work.connection.execute(query.group_by(jobs.c.organisation_id, step)):
        for owner in (budget_id("organisation", organisation), budget_id("hub", hub)):
            later[owner][int(number)] += int(amount) / MICRO
    names = {budget_id("organisation", key): name for key, name in _organisations(work, hub).items()}
    names[budget_id("hub", hub)] = "hub"
    budgets = work.ledger.budgets(names)
    return [
        Series(name=names[key], points=_backwards(budget.left / MICRO, later[key], span))
        for key, budget in budgets.items()
        if budget.left is not None
    ]


def _backwards(left: float, used: Mapping[int, float], span: Span) -> tuple[tuple[float, datetime], ...]:
    times = span.times
    value = left + sum(amount for number, amount in used.items() if number >= len(times))
    points = []
    for number in range(len(times) - 1, -1, -1):
        points.append((value, times[number]))
        value += used.get(number, 0.0)
    return tuple(reversed(points))


def device_queue_depth(work: Work, hub: str, span: Span) -> list[Series]:
    """The vendor's queue and our live jobs per device, now: of the past nothing is kept."""
    reach = Reach.of(work, hub, span.end)
    ours = work.catalogue.backlog()
    found = []
    for device in sorted(work.catalogue.devices(), key=lambda each: each.name):
        if reach.covers(device.name):
            depths = {"vendor": device.queue_depth, "ours": ours.get(device.name, 0)}
            found += [
                Series(name=f"{device.name} {whose}", points=((float(depth), span.end),))
                for whose, depth in depths.items()
                if depth is not None
            ]
    return found


TARGETS: Mapping[str, Callable[[Work, str, Span], list[Series]]] = {
    read.__name__: read
    for read in (jobs_by_state, jobs_finished, latency, spend_by_organisation, budget_left, device_queue_depth)
}


def _of_hub(organisation: ColumnElement[str], hub: str) -> ColumnElement[bool]:
    return organisation.in_(select(tables.organisations.c.id).where(tables.organisations.c.hub_id == hub))


def _within(at: ColumnElement[int], span: Span) -> Sequence[ColumnElement[bool]]:
    return (at >= micros(span.begin), at < micros(span.end))


def _organisations(work: Work, hub: str) -> dict[str, str]:
    table = tables.organisations
    query = select(table.c.id, table.c.slug).where(table.c.hub_id == hub).order_by(table.c.slug)
    return {row.id: row.slug for row in work.connection.execute(query)}


def _steps(sums: Mapping[str, Mapping[int, float]], span: Span) -> list[Series]:
    times: Iterable[datetime] = span.times
    return [
        Series(name=name, points=tuple((values.get(n, 0.0), at) for n, at in enumerate(times)))
        for name, values in sums.items()
    ]
