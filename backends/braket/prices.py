"""What does a device cost? Dated rows with their source: Amazon's price list first, then our table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from broker.domain.money import Money
from broker.domain.price import Price

CURRENCY = "USD"
EXAMPLE = "sandbox example, not a vendor price"
_TABLE = Path(__file__).with_name("prices.toml")
_EXAMPLES_AS_OF = date(2026, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """Amounts in micro-dollars for ``provider/Name``, the last two words of an ARN."""

    device: str
    per_task: int = 0
    per_shot: int = 0
    per_second: int = 0
    minimum_ms: int = 0
    as_of: date
    source: str

    def price(self, name: str) -> Price:
        """The price row of our device ``name``; its id changes whenever an amount or the date does."""
        amounts = f"{self.per_task}-{self.per_shot}-{self.per_second}"
        return Price(
            id=f"{name}@{self.as_of.isoformat()}:{amounts}",
            device=name,
            currency=CURRENCY,
            per_task=self.per_task,
            per_shot=self.per_shot,
            per_second=self.per_second,
            minimum_ms=self.minimum_ms,
            as_of=datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=UTC),
            source=self.source,
        )


@cache
def published() -> dict[str, Tariff]:
    """The rows of ``prices.toml`` that a public page states, by device."""
    return {row["device"]: _tariff(row, row["as_of"], row["source"]) for row in _rows("price")}


@cache
def examples() -> dict[str, Tariff]:
    """What a sandbox charges: the published rows, and invented ones for the rest, marked as such."""
    invented = {row["device"]: _tariff(row, _EXAMPLES_AS_OF, EXAMPLE) for row in _rows("example")}
    return {**invented, **published()}


def _rows(kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(_TABLE.read_text(encoding="utf-8"))[kind]
    return rows


def _tariff(row: dict[str, Any], as_of: date, source: str) -> Tariff:
    amounts = {
        name: Money.parse(row.get(name, "0"), CURRENCY).micros for name in ("per_task", "per_shot", "per_second")
    }
    return Tariff(device=row["device"], minimum_ms=row.get("minimum_ms", 0), as_of=as_of, source=source, **amounts)
