"""What may be spent on a device at most, whatever happens? The budgets of every hub that reaches it, in its currency.

The vendor can be told this as an outer belt: never tighter than our own holds, which are the budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.device import Kind
from broker.domain.money import MICRO, Money
from broker.store.people import budget_id

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.device import Device
    from broker.domain.money import Rate
    from broker.store.unit_of_work import Work


def ceilings(work: Work, backend: str, at: datetime) -> list[tuple[Device, Money]]:
    """The backend's priced QPUs with the sum of the limits of all hubs that may use them.

    A device that a hub without a limit, or without an exchange rate, may use has no ceiling and is left out.
    """
    rates = {(rate.base, rate.quote): rate for rate in work.catalogue.rates(at)}
    hubs = work.people.currencies().items()
    budgets = work.ledger.budgets([budget_id("hub", hub) for hub, _ in hubs])
    found = []
    for device in work.catalogue.devices():
        if device.backend != backend or device.kind is not Kind.QPU or device.price is None:
            continue
        reach = [(hub, currency) for hub, currency in hubs if _reaches(work, hub, device, at)]
        limits = [budgets[budget_id("hub", hub)].limit_micros for hub, _ in reach]
        parts = [
            _reversed(limit, currency, device.price.currency, rates)
            for limit, (_, currency) in zip(limits, reach, strict=True)
        ]
        known = [part for part in parts if part is not None]
        if known and len(known) == len(parts):
            found.append((device, Money(currency=device.price.currency, micros=sum(known))))
    return found


def _reaches(work: Work, hub: str, device: Device, at: datetime) -> bool:
    access = work.people.access(hub)
    return access is not None and access.objection(device.name, at) is None


def _reversed(limit: int | None, hub: str, vendor: str, rates: dict[tuple[str, str], Rate]) -> int | None:
    """A limit in the hub's currency as the vendor counts, rounded up."""
    if limit is None or hub == vendor:
        return limit
    rate = rates.get((vendor, hub))
    return None if rate is None else -(-limit * MICRO // rate.micros)
