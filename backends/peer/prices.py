"""What does a peer's device cost us? The peer's own price row, in the currency in which the peer bills us."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from broker.domain.money import Money
from broker.domain.price import Price, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.peer.probes import Figures
    from broker.domain.device import Device

_PARTS = ("per_task", "per_shot", "per_second")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A price row as the peer shows it, before we know what it is called here."""

    id: str
    currency: str
    amounts: tuple[int, int, int]
    minimum_ms: int
    as_of: datetime
    source: str


def row_of(body: Mapping[str, Any]) -> Row:
    """From the ``price`` of a device on the peer's list."""
    currency = str(body["currency"])
    per_task, per_shot, per_second = (Money.parse(body[part], currency).micros for part in _PARTS)
    return Row(
        id=str(body["id"]),
        currency=currency,
        amounts=(per_task, per_shot, per_second),
        minimum_ms=int(Decimal(body["minimum_s"]) * 1000),
        as_of=datetime.fromisoformat(body["as_of"]),
        source=str(body["source"]),
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

    def price(self, device: str, row: Row, figures: Figures | None) -> Price:
        """The price of our ``device``; without figures to convert with, in the row's currency."""
        source = f"hub {self._hub}: {row.source}"
        if figures is None or figures.cost.currency == row.currency:
            return _price(device, replace(row, source=source))
        return self._dated(device, replace(_converted(row, figures), source=f"{source}, in {figures.cost.currency}"))

    def _dated(self, device: str, row: Row) -> Price:
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


def _converted(row: Row, figures: Figures) -> Row:
    """At the quote's rate; where the quote is nought there is nothing to convert."""
    cost, listed = figures.cost.micros, figures.listed.micros or 1
    per_task, per_shot, per_second = (-(-amount * cost // listed) for amount in row.amounts)
    return replace(row, currency=figures.cost.currency, amounts=(per_task, per_shot, per_second))


def _price(device: str, row: Row) -> Price:
    per_task, per_shot, per_second = row.amounts
    name = f"{device} {row.id} {row.currency} {row.amounts} {row.minimum_ms}"
    return Price(
        id=f"peer-{hashlib.sha256(name.encode()).hexdigest()[:32]}",
        device=device,
        currency=row.currency,
        per_task=per_task,
        per_shot=per_shot,
        per_second=per_second,
        minimum_ms=row.minimum_ms,
        as_of=row.as_of,
        source=row.source,
    )


def _same(price: Price, row: Row) -> bool:
    amounts = (price.per_task, price.per_shot, price.per_second)
    return (price.currency, amounts, price.minimum_ms) == (row.currency, row.amounts, row.minimum_ms)


def billed_ms(amounts: tuple[int, int, int], bill: int, usage: Usage) -> int | None:
    """The run time that a bill of ``bill`` micro-units pays for; None where time costs nothing.

    Rounded down, ``charge`` of it gives the bill again: part seconds are rounded up there.
    """
    per_task, per_shot, per_second = amounts
    if not per_second:
        return None
    return max(bill - per_task * usage.tasks - per_shot * usage.shots, 0) * 1000 // per_second


def usage_of(job: Mapping[str, Any], device: Device | None, *, shots: int | None = None) -> Usage:
    """What an ended job of the peer's consumed; ``shots`` where the result says how many there were.

    A job's view has no billed run time, but its charge tells it; where time costs nothing, the latency split does.
    """
    points = int(job["points"])
    sweeps = device is None or device.sweeps
    usage = Usage(tasks=1 if sweeps else points, shots=int(job["shots"]) * points if shots is None else shots)
    timed = _paid_ms(job["cost"], device.price, usage) if device is not None and device.price is not None else None
    spent_s = job["latency"]["run_s"] or 0.0
    return replace(usage, run_ms=round(spent_s * 1000) if timed is None else timed)


def _paid_ms(cost: Mapping[str, Any], price: Price, usage: Usage) -> int | None:
    if cost["charged"] is None or cost["currency"] != price.currency:
        return None
    bill = Money.parse(cost["charged"], cost["currency"]).micros
    return billed_ms((price.per_task, price.per_shot, price.per_second), bill, usage)
