"""What does a platform cost? The dated rows of prices.toml; none is invented for the real vendor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backends.price_rows import price_rows

if TYPE_CHECKING:
    from broker.domain.ids import DeviceName
    from broker.domain.price import Price

CREDIT = "QCR"
_FILE = Path(__file__).with_name("prices.toml")


def price_of(device: DeviceName, *, sandbox: bool) -> Price | None:
    """The published row, or for a sandbox its example; None where there is no price."""
    return price_rows(_FILE, "sandbox" if sandbox else "price").get(device)
