"""What does a peer's device cost us? The peer's own price row, in the currency in which the peer bills us."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from broker.domain.money import Money
from broker.domain.price import Component, Price, Usage
from broker.domain.price_document import FLAT, read_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.peer.probes import Figures
    from broker.domain.device import Device

_TERMS = ("components", "minimum", "counter")


def row_of(body: Mapping[str, Any]) -> Price:
    """From the ``price`` of a device on the peer's list, without our name; a peer of before has no components."""
    if body.get("components") is None:
        terms = {name: body[name] for name in FLAT} | {"minimum_ms": int(Decimal(body["minimum_s"]) * 1000)}
    else:
        terms = {name: body[name] for name in _TERMS if body.get(name) is not None}
    return Price(
        id=str(body["id"]),
        device="",
        currency=str(body["currency"]),
        as_of=datetime.fromisoformat(body["as_of"]),
        source=str(body["source"]),
        **read_terms(terms),
    )


class PriceBook:
    """Turns rows into immutable prices of ours.

    A row in the peer's own currency keeps its date. One in a vendor's currency is converted at the rate of the peer's
    quote, rounded up; the peer does not show that rate's date, so the price begins on the day when we first saw it.
    """

    def __init__(self, hub: str, *, clock: Callable[[], datetime]) -> None:
        self._hub = hub
        self._clock = clock
        self._converted: dict[str, Price] = {}

    def price(self, device: str, row: Price, figures: Figures | None) -> Price:
        """The price of our ``device``; without figures to convert with, in the row's currency."""
        source = f"hub {self._hub}: {row.source}"
        if figures is None or figures.cost.currency == row.currency:
            return _price(device, replace(row, source=source))
        return self._dated(device, replace(_converted(row, figures), source=f"{source}, in {figures.cost.currency}"))

    def _dated(self, device: str, row: Price) -> Price:
        known, now = self._converted.get(device), self._clock()
        if known is not None and _same(known, row):
            return known
        # Of two rows the later is in force. A change that we witness is dated to the second, so that it is the later
        # one; a first look only to the day, so that every start of a worker does not leave a row behind.
        at = now.replace(hour=0, minute=0, second=0, microsecond=0) if known is None else now
        found = self._converted[device] = _price(device, replace(row, as_of=at, id=f"{row.id} {at.isoformat()}"))
        return found


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


def _converted(row: Price, figures: Figures) -> Price:
    """At the quote's rate; where the quote is nought there is nothing to convert."""
    cost, listed = figures.cost.micros, figures.listed.micros or 1
    parts = tuple(replace(_dearest(part), rate=-(-_dearest(part).rate * cost // listed)) for part in row.components)
    return replace(row, currency=figures.cost.currency, components=parts, minimum=-(-row.minimum * cost // listed))


def _dearest(part: Component) -> Component:
    """The counter of a peer's tiers is the peer's to read: we hold at the dearest, and pay what it bills."""
    return replace(part, rate=max(part.rate, *(tier.rate for tier in part.tiers), 0), tiers=())


def _price(device: str, row: Price) -> Price:
    parts = tuple(map(_dearest, row.components))
    name = f"{device} {row.id} {row.currency} {parts} {row.minimum}"
    found = f"peer-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return replace(row, id=found, device=device, components=parts, counter="")


def _same(price: Price, row: Price) -> bool:
    return (price.currency, price.components, price.minimum) == (row.currency, row.components, row.minimum)


def usage_of(job: Mapping[str, Any], device: Device | None, *, shots: int | None = None) -> Usage:
    """What an ended job of the peer's consumed, and what the peer has charged for it."""
    points = int(job["points"])
    sweeps = device is None or device.sweeps
    cost, spent_s = job["cost"], job["latency"]["run_s"] or 0.0
    return Usage(
        tasks=1 if sweeps else points,
        shots=int(job["shots"]) * points if shots is None else shots,
        run_ms=round(spent_s * 1000),
        billed=None if cost["charged"] is None else Money.parse(cost["charged"], cost["currency"]),
    )
