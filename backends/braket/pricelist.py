"""What does Amazon's own price list say? The public CSV, read once a day; where it cannot be had, our table stands."""

from __future__ import annotations

import csv
import io
import logging
import threading
import time
import urllib.request
from datetime import UTC, date, datetime
from datetime import time as midnight
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from backends.braket.prices import CURRENCY
from broker.domain.price import Price, flat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

URL = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBraket/current/index.csv"
HEADER_LINES = 5
MINIMUM_MS = 3000
_DAY_S = 86400.0
_HOUR_S = 3600.0
_TIMEOUT_S = 20.0
_MAX_BYTES = 64 << 20
_MICRO = 1_000_000
_LOG = logging.getLogger(__name__)


class PriceList:
    """The last list that was read; a failed attempt is repeated after an hour, and the old list is kept."""

    def __init__(self, read: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._prices: Mapping[str, Price] = {}
        self._due = float("-inf")

    def prices(self) -> Mapping[str, Price]:
        """By ``provider/name`` in lower case."""
        with self._lock:
            if self._clock() >= self._due:
                self._refresh()
            return self._prices

    def _refresh(self) -> None:
        try:
            self._prices = parse(self._read(), as_of=datetime.now(UTC).date())
            self._due = self._clock() + _DAY_S
        except (OSError, ValueError, KeyError) as error:
            _LOG.warning("amazon's price list could not be read: %s", error)
            self._due = self._clock() + _HOUR_S


def download() -> str:
    """The list as it is now."""
    with urllib.request.urlopen(URL, timeout=_TIMEOUT_S) as reply:
        text: bytes = reply.read(_MAX_BYTES)
    return text.decode("utf-8")


def parse(text: str, *, as_of: date) -> dict[str, Price]:
    """Per-task, per-shot and per-minute rows outside hybrid jobs, by device.

    Raises:
        KeyError: a column that we need is missing.
        ValueError: there are no prices, or one of them is not in dollars.
    """
    lines = io.StringIO(text)
    for _ in range(HEADER_LINES):
        lines.readline()
    amounts: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(lines):
        found = _amount(row)
        if found:
            device, kind, micros = found
            amounts.setdefault(device, {})[kind] = micros
    if not amounts:
        raise ValueError("the list holds no prices of Braket")
    return {
        device: Price(
            id=f"{device}@{as_of.isoformat()}",
            device=device,
            currency=CURRENCY,
            components=flat(minimum_ms=MINIMUM_MS if "per_second" in kinds else 0, **kinds),
            as_of=datetime.combine(as_of, midnight(), UTC),
            source=f"Amazon Braket price list {as_of.isoformat()}",
        )
        for device, kinds in amounts.items()
        if "per_second" in kinds or {"per_task", "per_shot"} <= kinds.keys()
    }


def _amount(row: Mapping[str, str]) -> tuple[str, str, int] | None:
    family = row["Product Family"]
    if family in ("Quantum Task", "Quantum Task-Shot"):
        kind = "per_task" if family == "Quantum Task" else "per_shot"
        return row["DeviceName"].lower(), kind, _micros(row, 1)
    if family == "Simulator Task" and row["operation"] == "CompleteTask" and "minute" in row["Unit"].lower():
        return row["Version"].lower(), "per_second", _micros(row, 60)
    return None


def _micros(row: Mapping[str, str], divisor: int) -> int:
    """Rounded up: a quote never falls short of the bill."""
    if row["Currency"] != CURRENCY:
        raise ValueError(f"a price in {row['Currency']}")
    try:
        return int(-((-Decimal(row["PricePerUnit"]) * _MICRO / divisor).to_integral_value(rounding="ROUND_FLOOR")))
    except InvalidOperation as error:
        raise ValueError(f"a price of {row['PricePerUnit']!r}") from error
