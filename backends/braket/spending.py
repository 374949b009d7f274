"""How is Amazon told what may be spent? One spending limit for each QPU, kept in step as an outer belt.

Our own holds are the budget. This limit stands at the vendor, so it holds even when we err: it must never be tighter
than the budget it follows, and is therefore rounded up to whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.braket.answers import reading_error
from backends.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from backends.braket.transport import Transport
    from broker.domain.device import Device
    from broker.domain.money import Money

BELT_TAG = "qsubmit:belt"
_CENT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Belt:
    """A limit as the vendor shows it; amounts in dollars as text."""

    arn: str
    device: str
    amount: str
    queued: str
    spent: str


class Spending:
    """The spending limits that bear our tag. Limits that a person has made are left alone."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def keep(self, device: Device, amount: Money, *, start: datetime, end: datetime) -> Belt:
        """Create the device's limit, or change it where amount or time differ.

        Raises:
            Refused: the device is no QPU, or the amount is not in dollars.
        """
        region = device.vendor_id.split(":")[3]
        if not region or amount.currency != "USD":
            raise Refused("a spending limit is for a QPU and in USD")
        period = {"startAt": start, "endAt": end}
        client, dollars = self._transport.braket(region), _dollars(amount)
        try:
            ours = self._ours(client, device.vendor_id)
            if ours is None:
                client.create_spending_limit(
                    deviceArn=device.vendor_id, spendingLimit=dollars, timePeriod=period, tags={BELT_TAG: device.name}
                )
            elif not _same(ours, dollars, start, end):
                client.update_spending_limit(
                    spendingLimitArn=ours["spendingLimitArn"], spendingLimit=dollars, timePeriod=period
                )
            kept = self._ours(client, device.vendor_id)
        except Exception as error:
            raise reading_error(error) from error
        if kept is None:
            raise Refused("braket shows no spending limit after accepting one")
        return _belt(kept)

    def drop(self, device: Device) -> None:
        """Take our limit away; silent where there is none."""
        client = self._transport.braket(device.vendor_id.split(":")[3])
        try:
            ours = self._ours(client, device.vendor_id)
            if ours is not None:
                client.delete_spending_limit(spendingLimitArn=ours["spendingLimitArn"])
        except Exception as error:
            raise reading_error(error) from error

    def _ours(self, client: Any, device: str) -> dict[str, Any] | None:  # noqa: ANN401  a generated boto3 client
        named = [{"name": "deviceArn", "operator": "EQUAL", "values": [device]}]
        for page in client.get_paginator("search_spending_limits").paginate(filters=named):
            for limit in page["spendingLimits"]:
                if BELT_TAG in limit.get("tags", {}):
                    found: dict[str, Any] = limit
                    return found
        return None


def _dollars(amount: Money) -> str:
    cents = -(-amount.micros // _CENT)
    return f"{cents // 100}.{cents % 100:02d}"


def _same(limit: dict[str, Any], dollars: str, start: datetime, end: datetime) -> bool:
    period = limit["timePeriod"]
    times = (period["startAt"].timestamp(), period["endAt"].timestamp())
    return (limit["spendingLimit"], *map(int, times)) == (dollars, int(start.timestamp()), int(end.timestamp()))


def _belt(limit: dict[str, Any]) -> Belt:
    return Belt(
        arn=limit["spendingLimitArn"],
        device=limit["deviceArn"],
        amount=limit["spendingLimit"],
        queued=limit["queuedSpend"],
        spent=limit["totalSpend"],
    )
