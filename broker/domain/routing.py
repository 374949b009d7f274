"""Where should this job go? Hard limits first, then a score; every offer and every refusal is kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from broker.domain.decision import Decision, Offer, Refusal
from broker.domain.estimate import expected, run_s, success, worst_case
from broker.domain.eta import after_open, forecast
from broker.domain.limits import Question, deadline, limits_for, max_cost, min_success
from broker.domain.money import Money, convert
from broker.domain.price import timed
from broker.domain.score import score
from broker.domain.snapshot import Forecast, Snapshot
from broker.domain.tier import held, likely, standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from broker.domain.device import Device
    from broker.domain.hub import Access
    from broker.domain.limits import Limit
    from broker.domain.money import Rate
    from broker.domain.policy import Policy
    from broker.domain.requirement import Requirement

__all__ = ["Forecast", "Snapshot", "route"]


def route(
    need: Requirement,
    policy: Policy,
    access: Access,
    snapshot: Snapshot,
    *,
    currency: str,
    max_price_age: timedelta | None = None,
) -> Decision:
    """The offer of the lowest score, ties broken by device name; or the named device, or nobody.

    Pure: a snapshot that was stored and loaded gives the equal decision. ``max_price_age`` None takes any price.
    """
    ask = Question(
        need=need,
        policy=policy,
        access=access,
        currency=currency,
        at=snapshot.at,
        rates=snapshot.rates,
        paused=snapshot.paused,
        max_price_age=max_price_age,
        nothing=Money(currency=currency, micros=0),
        standings=snapshot.standings,
    )
    limits = limits_for(ask)
    answers = [_answer(ask, limits, device, snapshot.forecasts) for device in snapshot.devices]
    offers = [answer for answer in answers if isinstance(answer, Offer)]
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    named = policy.device
    if named is not None and all(answer.device != named for answer in answers):
        refusals.append(Refusal(device=named, rule="unknown", reason="no backend offers such a device"))
    offers.sort(key=lambda offer: (offer.score, offer.device))
    refusals.sort(key=lambda refusal: refusal.device)
    chosen = _choice(offers, named)
    return Decision(
        offers=tuple(offers),
        refusals=tuple(refusals),
        choice=None if chosen is None else chosen.device,
        why=_why(chosen, offers, refusals, policy),
    )


def _answer(
    ask: Question, limits: tuple[Limit, ...], device: Device, forecasts: Mapping[str, Forecast]
) -> Offer | Refusal:
    for rule, limit in limits:
        reason = limit(ask, device)
        if reason is not None:
            return Refusal(device=device.name, rule=rule, reason=reason)
    outlook = forecasts.get(device.name) or forecast((), (), device=device, ahead=0)
    return _offer(ask, device, outlook)


def _offer(ask: Question, device: Device, outlook: Forecast) -> Offer | Refusal:
    """The last three limits need the figures, so they are asked on the way to the offer."""
    price, rate = device.price, _rate(ask, device)
    list_cost, cost, usual_cost = _costs(ask, device, rate, outlook)
    reason = max_cost(ask, cost, list_cost)
    if reason is not None:
        return Refusal(device=device.name, rule="max_cost", reason=reason)
    run = run_s(device, ask.need, outlook)
    cautious_s = after_open(device.windows, ask.at, outlook.wait_p90_s)
    reason = deadline(ask, cautious_s + run)
    if reason is not None:
        return Refusal(device=device.name, rule="deadline", reason=reason)
    likely = success(device, ask.need)
    reason = min_success(ask, likely)
    if reason is not None:
        return Refusal(device=device.name, rule="min_success", reason=reason)
    wait_s = after_open(device.windows, ask.at, outlook.wait_s)
    return Offer(
        device=device.name,
        cost=cost,
        list_cost=list_cost,
        price="" if price is None else price.id,
        rate=None if rate is None else rate.id,
        wait_s=wait_s,
        wait_p90_s=cautious_s,
        run_s=run,
        history=outlook.history,
        success=likely,
        score=score(ask.policy.prefer, finish_s=wait_s + run, cost=usual_cost, success=likely),
        sandbox=device.sandbox,
    )


def _rate(ask: Question, device: Device) -> Rate | None:
    if device.price is None or device.price.currency == ask.currency:
        return None
    return ask.rates[device.price.currency, ask.currency]


def _costs(ask: Question, device: Device, rate: Rate | None, outlook: Forecast) -> tuple[Money, Money, Money]:
    """Worst case in the vendor's and in the hub's money, expectation in the hub's."""
    price = device.price
    if price is None:
        return ask.nothing, ask.nothing, ask.nothing
    standing = standing_of(price, ask.standings)
    list_cost = held(price, worst_case(device, ask.need), standing)
    cost = list_cost if rate is None else convert(list_cost, rate)
    if not timed(price) and not price.counter:  # the two usages differ in run time only
        return list_cost, cost, cost
    usual = likely(price, expected(device, ask.need, outlook), standing)
    return list_cost, cost, usual if rate is None else convert(usual, rate)


def _choice(offers: list[Offer], named: str | None) -> Offer | None:
    if named is None:
        return offers[0] if offers else None
    return next((offer for offer in offers if offer.device == named), None)


def _why(chosen: Offer | None, offers: list[Offer], refusals: list[Refusal], policy: Policy) -> str:
    """One English sentence with the figures."""
    if chosen is None:
        return _why_nobody(refusals, policy.device)
    if policy.device is not None:
        reason = "was named"
    elif len(offers) == 1:
        reason = "is the only device that can run the job"
    else:
        reason = f"has the lowest {policy.prefer.value} score of {len(offers)} offers"
    place = f"{chosen.device} (sandbox)" if chosen.sandbox else chosen.device
    return (
        f"{place} {reason} ({chosen.score:g}): at most {chosen.cost}, "
        f"expected to start in {_seconds(chosen.wait_s)} and to run {_seconds(chosen.run_s)}, "
        f"success {chosen.success:.1%}."
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.2g} s"  # noqa: PLR2004  two digits will do


def _why_nobody(refusals: list[Refusal], named: str | None) -> str:
    for refusal in refusals:
        if refusal.device == named:
            return f"{named} was named and is refused by the rule {refusal.rule}: {refusal.reason}."
    if not refusals:
        return "No device is known."
    rules = sorted(Counter(refusal.rule for refusal in refusals).items())
    counts = ", ".join(f"{count} by {rule}" for rule, count in rules)
    return f"No device can run the job: {counts}."
