"""What does a platform cost? The dated rows of prices.toml; none is invented for the real vendor."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broker.domain.money import Money
from broker.domain.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.ids import DeviceName

CREDIT = "QCR"


def price_of(device: DeviceName, *, sandbox: bool) -> Price | None:
    """The published row, or for a sandbox its example; None where there is no price."""
    return _rows("sandbox" if sandbox else "price").get(device)


@cache
def _rows(table: str) -> Mapping[str, Price]:
    text = Path(__file__).with_name("prices.toml").read_text(encoding="utf-8")
    return {row["device"]: _price(table, row) for row in tomllib.loads(text).get(table, [])}


def _price(table: str, row: Mapping[str, Any]) -> Price:
    amounts = {part: Money.parse(row[part], row["currency"]).micros for part in ("per_task", "per_shot", "per_second")}
    return Price(
        id=f"{row['device']}@{row['as_of']:%Y-%m-%d}" + ("-sandbox" if table == "sandbox" else ""),
        device=row["device"],
        currency=row["currency"],
        as_of=datetime.combine(row["as_of"], time(), tzinfo=UTC),
        source=row["source"],
        **amounts,
    )
