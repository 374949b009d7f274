"""What does the price list say? The CSV form of the vendor's bulk price list, with the sandbox's prices."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from backends.braket.pricelist import HEADER_LINES
from backends.braket.prices import EXAMPLE, examples
from backends.braket.sandbox.cards import CARDS, SIMULATOR_REGIONS, Card
from broker.domain.price import Price, Unit

_MICRO = Decimal(1_000_000)
_COLUMNS = [
    "Product Family", "Region Code", "DeviceName", "Device Name", "Version", "operation", "PricePerUnit",
    "Currency", "Unit",
]  # fmt: skip


def price_list() -> str:
    """Five lines about the file, the column names, a row for each price."""
    text = io.StringIO()
    for place in range(HEADER_LINES):
        text.write(f'"Line {place + 1}","{EXAMPLE}"\n')
    table = csv.DictWriter(text, _COLUMNS, restval="")
    table.writeheader()
    for card in CARDS:
        price = examples().get("/".join(card.arn.split("/")[-2:]))
        if price:
            table.writerows(_rows(card, price))
    return text.getvalue()


def _rows(card: Card, price: Price) -> list[dict[str, str]]:
    rates = {part.unit: part.rate for part in price.components}
    if card.is_qpu:
        # The vendor's tracker looks for the ARN's last word with its first letter, or all of IBEX, in capitals.
        name = card.arn.split("/")[-1].replace("Ibex", "IBEX")
        return [
            _row("Quantum Task", card.region, DeviceName=name, PricePerUnit=_unit(rates[Unit.TASK]), Unit="Tasks"),
            _row("Quantum Task-Shot", card.region, DeviceName=name, PricePerUnit=_unit(rates[Unit.SHOT]), Unit="Shots"),
        ]
    version, minute = card.arn.split("/")[-1].upper(), _unit(rates[Unit.MS] * 60)
    return [
        _row("Simulator Task", region, Version=version, operation="CompleteTask", PricePerUnit=minute, Unit="minutes")
        for region in SIMULATOR_REGIONS
    ]


def _row(family: str, region: str, **rest: str) -> dict[str, str]:
    return {"Product Family": family, "Region Code": region, "Currency": "USD", **rest}


def _unit(micros: int) -> str:
    return f"{Decimal(micros) / _MICRO:f}"
