"""What does consumption cost? One formula, ``charge``, for the quote and for the bill.

A new way of pricing is one row of ``_MEASURES``; whoever quotes, holds, books or shows a price needs no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from broker.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class Unit(StrEnum):
    """What a component of a price counts; ``hqc`` is a formula over several."""

    TASK = "task"
    SHOT = "shot"
    MS = "ms"
    GATE1_SHOT = "gate1_shot"
    GATE2_SHOT = "gate2_shot"
    READOUT_SHOT = "readout_shot"
    RESERVED_HOUR = "reserved_hour"
    HQC = "hqc"


class Tier(NamedTuple):
    """``rate`` holds until the counter of the month stands at ``up_to``."""

    up_to: int
    rate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """``rate`` micro-units of the price's currency for every ``per`` of ``unit``, after the ``tiers`` are used up.

    A task is billed for at least ``minimum`` and in started steps of ``step``. ``tiers`` are in rising order of
    ``up_to``; the last one's end is where ``rate`` begins. All counts are in the unit's own (ms, shots, hours).
    """

    unit: Unit
    rate: int
    per: int = 1
    step: int = 1
    minimum: int = 0
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """An immutable, dated version of what one device costs.

    ``minimum`` is the least that a task costs in all, in micro-units of ``currency``. ``counter`` names what tiers
    count: the vendor account and the class of devices that share it (``pasqal/qpu``); it begins anew every month.
    ``source`` says where the figures were published, or ``operator`` with a name.
    """

    id: str
    device: str
    currency: str
    components: tuple[Component, ...] = ()
    minimum: int = 0
    counter: str = ""
    as_of: datetime
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What was, or will at worst be, measurably consumed: vendor tasks, shots over all points, run time.

    ``gate1_shots``, ``gate2_shots`` and ``readout_shots`` are gates and readouts times shots. ``billed`` is what the
    seller says that all of it costs; said in the price's currency, it goes before every formula of ours.
    """

    tasks: int = 1
    shots: int = 0
    run_ms: int = 0
    gate1_shots: int = 0
    gate2_shots: int = 0
    readout_shots: int = 0
    reserved_ms: int = 0
    billed: Money | None = None


class Counted(NamedTuple):
    """Where the counter of a price's tiers stands before this usage: somewhere from ``least`` to ``most``."""

    least: int = 0
    most: int = 0


class Line(NamedTuple):
    """One line of a bill: ``quantity`` as billed, after minimum and steps; ``micros`` in the price's currency."""

    of: str
    quantity: int
    micros: int


NOTHING_COUNTED = Counted()
_TASK, _SHOT, _MS = Unit.TASK, Unit.SHOT, Unit.MS
_HOUR_MS = 3_600_000
# Quantinuum: HQC = 5 + shots x (N1 + 10 N2 + 5 Nm) / 5000, counted in five-thousandths to stay with integers.
_HQC_SCALE = 5000


class _Measure(NamedTuple):
    """How much of a unit a usage holds, in ``scale``-ths of the unit."""

    count: Callable[[Usage], int]
    scale: int = 1


_MEASURES: dict[Unit, _Measure] = {
    Unit.TASK: _Measure(lambda used: used.tasks),
    Unit.SHOT: _Measure(lambda used: used.shots),
    Unit.MS: _Measure(lambda used: used.run_ms),
    Unit.GATE1_SHOT: _Measure(lambda used: used.gate1_shots),
    Unit.GATE2_SHOT: _Measure(lambda used: used.gate2_shots),
    Unit.READOUT_SHOT: _Measure(lambda used: used.readout_shots),
    Unit.RESERVED_HOUR: _Measure(lambda used: used.reserved_ms, _HOUR_MS),
    Unit.HQC: _Measure(
        lambda used: 5 * _HQC_SCALE * used.tasks + used.gate1_shots + 10 * used.gate2_shots + 5 * used.readout_shots,
        _HQC_SCALE,
    ),
}
_OF_THE_PROGRAM = frozenset({Unit.GATE1_SHOT, Unit.GATE2_SHOT, Unit.READOUT_SHOT, Unit.HQC})


def charge(price: Price, usage: Usage, counted: Counted = NOTHING_COUNTED) -> Money:
    """Price x usage in the price's currency, each component rounded up to a micro-unit.

    The most that it can be while the counter of the tiers stands within ``counted``: a bill knows where it stands,
    a hold does not. What the seller itself has billed is taken as it is.
    """
    if usage.billed is not None and usage.billed.currency == price.currency:
        return usage.billed
    micros = 0
    for part in price.components:
        # Every device of every question comes by here: what is plain is reckoned at once, and an enum hashes slowly.
        unit, rate = part.unit, part.rate
        if part.minimum or part.tiers or part.step > 1:
            micros += _cost(part, _billed(part, usage), counted)
        elif unit is _SHOT and part.per == 1:
            micros += rate * usage.shots
        elif unit is _TASK and part.per == 1:
            micros += rate * usage.tasks
        elif unit is _MS:
            micros -= -rate * usage.run_ms // part.per
        else:
            micros += _cost(part, _billed(part, usage), counted)
    least = price.minimum * usage.tasks
    return Money(currency=price.currency, micros=micros if micros > least else least)  # noqa: FURB136  max() is slower


def lines(price: Price, usage: Usage, counted: Counted = NOTHING_COUNTED) -> tuple[Line, ...]:
    """The same charge line by line: they sum to it."""
    total = charge(price, usage, counted)
    if usage.billed == total:
        return (Line("billed", 1, total.micros),)
    parts = [(component, _billed(component, usage)) for component in price.components]
    found = [
        Line(component.unit.value, -(-count // _MEASURES[component.unit].scale), _cost(component, count, counted))
        for component, count in parts
    ]
    short = total.micros - sum(line.micros for line in found)
    return (*found, Line("minimum", usage.tasks, short)) if short else tuple(found)


def counts(price: Price, usage: Usage) -> int:
    """By how much this usage moves the counter of the price's tiers; nothing where the price has none."""
    return sum(_billed(component, usage) for component in price.components if component.tiers)


def timed(price: Price) -> bool:
    """Whether the run time makes a difference."""
    return any(component.unit is Unit.MS for component in price.components)


def by_program(price: Price) -> bool:
    """Whether the gates of the program make a difference."""
    return any(component.unit in _OF_THE_PROGRAM for component in price.components)


def flat(*, per_task: int = 0, per_shot: int = 0, per_second: int = 0, minimum_ms: int = 0) -> tuple[Component, ...]:
    """The components of a price by task, shot and second of run time, the last at least ``minimum_ms`` a task."""
    parts = (
        Component(unit=Unit.TASK, rate=per_task),
        Component(unit=Unit.SHOT, rate=per_shot),
        Component(unit=Unit.MS, rate=per_second, per=1000, minimum=minimum_ms),
    )
    return tuple(part for part in parts if part.rate or part.minimum)


def flattened(price: Price) -> tuple[int, int, int, int] | None:
    """(per task, per shot, per second, minimum ms) where those say everything of the price, else None."""
    amounts = {Unit.TASK: 0, Unit.SHOT: 0, Unit.MS: 0}
    minimum = 0
    for part in price.components:
        if part.unit not in amounts or amounts[part.unit]:
            return None
        amounts[part.unit] = part.rate
        minimum = part.minimum if part.unit is Unit.MS else minimum
    found = (amounts[Unit.TASK], amounts[Unit.SHOT], amounts[Unit.MS], minimum)
    same = sorted(flat(per_task=found[0], per_shot=found[1], per_second=found[2], minimum_ms=found[3]), key=str)
    told = sorted((part for part in price.components if part.rate or part.minimum), key=str)
    return found if same == told and not price.minimum and not price.counter else None


def _billed(component: Component, usage: Usage) -> int:
    """How much of it is billed, in the measure's scale: at least the minimum, in started steps, for each task."""
    measure = _MEASURES[component.unit]
    count = measure.count(usage)
    if component.minimum:
        count = max(count, component.minimum * measure.scale * usage.tasks)
    if component.step > 1 or measure.scale == _HOUR_MS:
        # Every task begins steps of its own; of several only the sum is known, so they are taken as equally long.
        step, tasks = component.step * measure.scale, max(1, usage.tasks)
        count = tasks * step * -(-count // (tasks * step))
    return count


def _cost(component: Component, count: int, counted: Counted) -> int:
    if not component.tiers:
        weighed = component.rate * count
    elif counted.least == counted.most:
        weighed = _weighed(component, count, counted.least)
    else:
        weighed = max(_weighed(component, count, at) for at in _turning_points(component, count, counted))
    return -(-weighed // (component.per * _MEASURES[component.unit].scale))


def _turning_points(component: Component, count: int, counted: Counted) -> set[int]:
    """Where the counter may stand so that the cost is greatest: it is linear in between."""
    scale = _MEASURES[component.unit].scale
    ends = (tier.up_to * scale for tier in component.tiers)
    bends = {at for end in ends for at in (end - count, end) if counted.least <= at <= counted.most}
    return bends | {counted.least, counted.most}


def _weighed(component: Component, count: int, at: int) -> int:
    """Rate x count where the first of ``count`` is number ``at`` of the month."""
    scale = _MEASURES[component.unit].scale
    weighed, end = 0, at + count
    for tier in component.tiers:
        within = max(0, min(end, tier.up_to * scale) - at)
        weighed += tier.rate * within
        at += within
    return weighed + component.rate * (end - at)
