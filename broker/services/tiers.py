"""What must a job hold where prices have tiers? Reckoned under the counter's lock, in the transaction of the hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.errors import NoDevice
from broker.domain.estimate import worst_case
from broker.domain.limits import Question, max_cost
from broker.domain.money import Money, convert
from broker.domain.price import counts
from broker.domain.tier import FRESH, Standing, held, standing_of
from broker.services.decide import load_asked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from broker.domain.decision import Offer
    from broker.services.decide import Decided
    from broker.store.unit_of_work import Work


def counter_of(decided: Decided) -> str:
    """The counter of the chosen device's price; empty where it has no tiers."""
    if not decided.posted.counters or decided.decision.choice is None:
        return ""
    _, device = decided.chosen()
    return "" if device.price is None else device.price.counter


class Standings:
    """The counters that a transaction holds locked, and what it has itself added to them."""

    def __init__(self, work: Work, group: Iterable[Decided], at: datetime) -> None:
        names = {name for decided in group if (name := counter_of(decided))}
        self._known = work.counters.standings(names, at, lock=True) if names else {}
        self.held: list[tuple[str, str, int]] = []

    def offer(self, decided: Decided) -> Offer | NoDevice:
        """The chosen offer with the hold that it needs now; an error if that is more than the member allows."""
        offer, device = decided.chosen()
        price = device.price
        if price is None or not price.counter:
            return offer
        asked = load_asked(json.loads(decided.body)["asked"])
        snapshot = decided.posted.snapshot
        listed = held(price, worst_case(device, asked.need), standing_of(price, self._known))
        rate = None if offer.rate is None else snapshot.rates[price.currency, asked.currency]
        cost = listed if rate is None else convert(listed, rate)
        question = Question(
            need=asked.need,
            policy=asked.policy,
            access=asked.access,
            currency=asked.currency,
            at=snapshot.at,
            rates=snapshot.rates,
            paused=snapshot.paused,
            nothing=Money(currency=asked.currency, micros=0),
        )
        reason = max_cost(question, cost, listed)
        if reason is not None:
            return NoDevice(f"{device.name}: {reason}", refusals=((device.name, "max_cost", reason),))
        return replace(offer, cost=cost, list_cost=listed)

    def take(self, job: str, decided: Decided) -> None:
        """The job holds money at the offer: whoever comes next reckons with it."""
        _, device = decided.chosen()
        price = device.price
        if price is None or not price.counter:
            return
        asked = load_asked(json.loads(decided.body)["asked"])
        more, before = counts(price, worst_case(device, asked.need)), self._known.get(price.counter, FRESH)
        self._known[price.counter] = Standing(used=before.used, live=before.live + more)
        self.held.append((job, price.counter, more))
