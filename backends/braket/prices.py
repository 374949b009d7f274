"""What does a device cost? Dated rows with their source: Amazon's price list first, then our table."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.price_rows import price_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.price import Price

CURRENCY = "USD"
EXAMPLE = "sandbox example, not a vendor price"
_TABLE = Path(__file__).with_name("prices.toml")


def named(price: Price, device: str) -> Price:
    """The price of our ``device``; its id changes whenever an amount or the date does."""
    said = hashlib.sha256(f"{price.components} {price.minimum} {price.counter}".encode()).hexdigest()[:12]
    return replace(price, id=f"{device}@{price.as_of:%Y-%m-%d}:{said}", device=device)


def published() -> Mapping[str, Price]:
    """The rows of ``prices.toml`` that a public page states, by the last two words of an ARN (``iqm/Garnet``)."""
    return price_rows(_TABLE, "price")


def examples() -> Mapping[str, Price]:
    """What a sandbox charges: the published rows, and invented ones for the rest, marked as such."""
    return {**price_rows(_TABLE, "sandbox"), **published()}
