"""What do the dated rows of a vendor's prices.toml say? Prices of ours, each with its source; none is invented."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any

from broker.domain.price import Price
from broker.domain.price_document import TERMS, PriceWrong, read_terms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KNOWN = TERMS | {"device", "currency", "as_of", "source"}


@cache
def price_rows(path: Path, table: str) -> Mapping[str, Price]:
    """By device: what the vendor publishes (``price``), or what its sandbox charges (``sandbox``).

    Raises:
        PriceWrong: a row says what nobody reads, or says it wrongly.
    """
    return {row["device"]: _price(table, row) for row in tomllib.loads(path.read_text(encoding="utf-8")).get(table, [])}


def _price(table: str, row: Mapping[str, Any]) -> Price:
    for name in sorted(row.keys() - _KNOWN):
        raise PriceWrong(f"{row['device']}.{name}", "is not known")
    return Price(
        id=f"{row['device']}@{row['as_of']:%Y-%m-%d}" + ("-sandbox" if table == "sandbox" else ""),
        device=row["device"],
        currency=row["currency"],
        as_of=datetime.combine(row["as_of"], time(), tzinfo=UTC),
        source=row["source"],
        **read_terms(row),
    )
