"""May this job go to that device at all? Hard limits in a fixed order; each says no with a reason, as a value.

The first limit that objects is the refusal, so the order decides what a user reads: what is forbidden
before what is unfit, what is unfit before what is dear, late or poor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.domain.device import Kind, Status
from broker.domain.estimate import simulates_without_state
from broker.domain.money import Money, convert
from broker.domain.program import Paradigm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from broker.domain.device import Device
    from broker.domain.hub import Access
    from broker.domain.money import Rate
    from broker.domain.policy import Policy
    from broker.domain.requirement import Requirement
    from broker.domain.tier import Standing

_GIB = 1 << 30
_WIDEST = 60  # a dense state of more qubits fits no machine, and its size no message


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a limit looks at besides the device. ``currency`` is the hub's, ``nothing`` no money in it."""

    need: Requirement
    policy: Policy
    access: Access
    currency: str
    at: datetime
    rates: Mapping[tuple[str, str], Rate]
    paused: Mapping[str, str]
    nothing: Money
    max_price_age: timedelta | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)


def access(ask: Question, device: Device) -> str | None:
    return ask.access.objection(device.name, ask.at)


def refused(ask: Question, device: Device) -> str | None:
    for name, said in ask.policy.refused_by:
        if name == device.name:
            return f"has refused this job: {said}"
    return None


def status(_ask: Question, device: Device) -> str | None:
    if device.status is Status.ONLINE:
        return None
    return f"is {device.status.value}"


def paused(ask: Question, device: Device) -> str | None:
    if not ask.paused:
        return None
    reason = ask.paused.get(device.name) or ask.paused.get(device.backend)
    return None if reason is None else f"is paused: {reason}"


def kind(ask: Question, device: Device) -> str | None:
    wanted = ask.policy.kind
    if wanted is None or device.kind is wanted:
        return None
    return f"is a {_KIND_WORD[device.kind]}, the job asks for a {_KIND_WORD[wanted]}"


_KIND_WORD = {Kind.QPU: "QPU", Kind.SIMULATOR: "simulator"}


def program_format(ask: Question, device: Device) -> str | None:
    if ask.need.format in device.accepts:
        return None
    return f"does not accept {ask.need.format.value}"


def width(ask: Question, device: Device) -> str | None:
    if device.width is None or ask.need.width <= device.width:
        return None
    word = _WIDTH_WORD[ask.need.paradigm]
    return f"has {device.width:,} {word}, the program needs {ask.need.width:,}"


_WIDTH_WORD = {
    Paradigm.GATE: "qubits",
    Paradigm.ANALOG: "atom places",
    Paradigm.PHOTONIC: "modes",
}


def dynamic(ask: Question, device: Device) -> str | None:
    if not ask.need.dynamic or device.dynamic:
        return None
    return "runs no mid-circuit measurement, reset or classical control"


def result_types(ask: Question, device: Device) -> str | None:
    if not ask.need.result_types or device.result_types:
        return None
    return f"tells counts only, the program asks for {', '.join(ask.need.result_types)} by a pragma"


def photons(ask: Question, device: Device) -> str | None:
    return _at_most(device.max_photons, ask.need.photons, "photons")


def operations(ask: Question, device: Device) -> str | None:
    return _at_most(device.max_operations, ask.need.operations, "operations")


def _at_most(limit: int | None, needed: int, word: str) -> str | None:
    if limit is None or needed <= limit:
        return None
    return f"takes at most {limit:,} {word}, the program has {needed:,}"


def duration(ask: Question, device: Device) -> str | None:
    if device.max_duration_us is None or ask.need.duration_us <= device.max_duration_us:
        return None
    return f"drives for at most {device.max_duration_us:g} µs, the program lasts {ask.need.duration_us:g} µs"


def memory(ask: Question, device: Device) -> str | None:
    """A dense state must fit, unless a method of the device does without; photons bound a photonic one."""
    limit, need = device.max_memory_bytes, ask.need
    if limit is None or need.paradigm is Paradigm.PHOTONIC:
        return None
    if need.width <= _WIDEST and need.statevector_bytes <= limit:
        return None
    if simulates_without_state(device, need):
        return None
    return f"has {limit / _GIB:g} GiB, a dense state of {need.width:,} qubits or atoms needs 16 × 2^{need.width} bytes"


def shots(ask: Question, device: Device) -> str | None:
    if device.min_shots <= ask.need.shots <= device.max_shots:
        return None
    return f"takes {device.min_shots:,} to {device.max_shots:,} shots, the job asks for {ask.need.shots:,}"


def points(ask: Question, device: Device) -> str | None:
    if ask.need.points <= device.max_points:
        return None
    return f"takes at most {device.max_points:,} points, the job has {ask.need.points:,}"


def drive(ask: Question, device: Device) -> str | None:
    need = ask.need
    if not device.global_drive_only or need.paradigm is not Paradigm.ANALOG or need.global_drive:
        return None
    return "drives all atoms alike, the program addresses single ones"


def price_unknown(_ask: Question, device: Device) -> str | None:
    """No price, no QPU job. A simulator without a price row is free, unless it is ``billed``."""
    if device.price is not None:
        return None
    if device.kind is not Kind.QPU and not device.billed:
        return None
    return "has no price in the price book, so its cost cannot be held"


def rate_unknown(ask: Question, device: Device) -> str | None:
    price = device.price
    if price is None or price.currency == ask.currency or (price.currency, ask.currency) in ask.rates:
        return None
    return f"is priced in {price.currency}, and there is no rate to {ask.currency}"


def price_stale(ask: Question, device: Device) -> str | None:
    if ask.max_price_age is None or device.kind is not Kind.QPU or device.price is None:
        return None
    age = ask.at - device.price.as_of
    if age <= ask.max_price_age:
        return None
    return f"has a price that is {age.days} days old, {ask.max_price_age.days} are allowed"


Limit = tuple[str, "Callable[[Question, Device], str | None]"]

# The order is a promise: docs/routing.md lists it, tests/unit/domain/test_limits.py holds it.
LIMITS: tuple[Limit, ...] = (
    ("access", access),
    ("refused", refused),
    ("status", status),
    ("paused", paused),
    ("kind", kind),
    ("format", program_format),
    ("width", width),
    ("dynamic", dynamic),
    ("result_types", result_types),
    ("photons", photons),
    ("operations", operations),
    ("duration", duration),
    ("memory", memory),
    ("shots", shots),
    ("points", points),
    ("drive", drive),
    ("price_unknown", price_unknown),
    ("rate_unknown", rate_unknown),
    ("price_stale", price_stale),
)


def max_cost(ask: Question, cost: Money, list_cost: Money) -> str | None:
    """The worst case must not pass the limit; the two are compared in the currency of the limit where possible."""
    limit = ask.policy.max_cost
    if limit is None or cost.micros == 0:
        return None
    if limit.currency == list_cost.currency:
        cost = list_cost
    elif limit.currency != cost.currency:
        rate = ask.rates.get((limit.currency, cost.currency))
        if rate is None:
            return f"costs up to {cost}, and there is no rate to compare that with {limit}"
        limit = convert(limit, rate)
    if cost.micros <= limit.micros:
        return None
    return f"costs up to {cost}, at most {limit} is allowed"


def deadline(ask: Question, finish_p90_s: float) -> str | None:
    """Nine times in ten it must be done by then."""
    limit = ask.policy.deadline
    if limit is None:
        return None
    left_s = (limit - ask.at).total_seconds()
    if finish_p90_s <= left_s:
        return None
    if left_s <= 0:
        return "cannot run before a deadline that has passed"
    return f"may need {finish_p90_s:,.0f} s until the end, {left_s:,.0f} s are left"


def min_success(ask: Question, success: float) -> str | None:
    limit = ask.policy.min_success
    if limit is None or success >= limit:
        return None
    return f"works with an estimated probability of {success:.4f}, at least {limit:g} is asked"


def limits_for(ask: Question) -> tuple[Limit, ...]:
    """The limits that can object to this question, in their order: asked of 20 devices, a short list counts."""
    need, policy = ask.need, ask.policy
    idle = {
        "refused": not policy.refused_by,
        "paused": not ask.paused,
        "kind": policy.kind is None,
        "dynamic": not need.dynamic,
        "result_types": not need.result_types,
        "photons": need.photons == 0,
        "operations": need.operations == 0,
        "duration": need.duration_us <= 0,
        "memory": need.paradigm is Paradigm.PHOTONIC,
        "points": need.points <= 1,
        "drive": need.paradigm is not Paradigm.ANALOG,
        "price_stale": ask.max_price_age is None,
    }
    return tuple(limit for limit in LIMITS if not idle.get(limit[0], False))
