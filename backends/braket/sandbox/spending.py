"""How much may be spent on a device? The sandbox's spending limits: kept in SQLite, checked at each create."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backends.braket.wire.objects import ACCOUNT
from backends.braket.wire.routes import Fault, Limit
from backends.sandboxing.clock import now as vendor_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.sandboxing.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS spending_limits (
  arn TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, device TEXT NOT NULL, amount TEXT NOT NULL,
  start_at REAL NOT NULL, end_at REAL NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, tags TEXT NOT NULL);
"""
_MICRO = 1_000_000


class Limits:
    """``spent(device, start, end)`` gives micro-dollars queued and micro-dollars charged."""

    def __init__(self, database: Database, spent: Callable[[str, float, float], tuple[int, int]]) -> None:
        self._database = database
        self._spent = spent
        database.create(_TABLE)

    def create(self, request: Mapping[str, Any], region: str) -> str:
        """A new limit; the same client token gives the same one."""
        if ":device/qpu/" not in request.get("deviceArn", ""):
            raise Fault("ValidationException", "A spending limit is for a QPU.")
        token, period = request["clientToken"], request.get("timePeriod") or {}
        known = self._database.rows("SELECT arn FROM spending_limits WHERE token = ?", (token,))
        if known:
            return str(known[0]["arn"])
        now = vendor_now()
        arn = f"arn:aws:braket:{region}:{ACCOUNT}:spending-limit/{uuid.uuid4()}"
        times = (float(period.get("startAt", now)), float(period.get("endAt", now + 365 * 86400)))
        values = (arn, token, request["deviceArn"], _amount(request), *times, now, now)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO spending_limits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, json.dumps(request.get("tags") or {})),
            )
        return arn

    def update(self, arn: str, request: Mapping[str, Any]) -> None:
        """A new amount or time."""
        old = self._row(arn)
        period = request.get("timePeriod") or {}
        amount = _amount(request) if "spendingLimit" in request else old["amount"]
        times = (float(period.get("startAt", old["start_at"])), float(period.get("endAt", old["end_at"])))
        with self._database.write() as connection:
            connection.execute(
                "UPDATE spending_limits SET amount = ?, start_at = ?, end_at = ?, updated_at = ? WHERE arn = ?",
                (amount, *times, vendor_now(), arn),
            )

    def delete(self, arn: str) -> None:
        """Drop it."""
        self._row(arn)
        with self._database.write() as connection:
            connection.execute("DELETE FROM spending_limits WHERE arn = ?", (arn,))

    def tags(self, arn: str) -> dict[str, str]:
        """A limit's tags."""
        found: dict[str, str] = json.loads(self._row(arn)["tags"])
        return found

    def retag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Replace a limit's tags."""
        with self._database.write() as connection:
            connection.execute("UPDATE spending_limits SET tags = ? WHERE arn = ?", (json.dumps(dict(tags)), arn))

    def _row(self, arn: str) -> Any:  # noqa: ANN401  sqlite3.Row
        rows = self._database.rows("SELECT * FROM spending_limits WHERE arn = ?", (arn,))
        if not rows:
            raise Fault("ResourceNotFoundException", f"There is no spending limit {arn}.")
        return rows[0]

    def all(self, region: str) -> list[Limit]:
        """The limits of a region, with what is spent under each."""
        rows = self._database.rows("SELECT * FROM spending_limits ORDER BY created_at")
        return [self._limit(row) for row in rows if row["arn"].split(":")[3] == region]

    def _limit(self, row: Any) -> Limit:  # noqa: ANN401  sqlite3.Row
        queued, spent = self._spent(row["device"], row["start_at"], row["end_at"])
        return Limit(
            arn=row["arn"], device=row["device"], amount=row["amount"], start_at=row["start_at"],
            end_at=row["end_at"], queued=_dollars(queued), spent=_dollars(spent), created_at=_iso(row["created_at"]),
            updated_at=_iso(row["updated_at"]), tags=json.loads(row["tags"]),
        )  # fmt: skip

    def forbids(self, device: str, cost: int) -> bool:
        """Whether one more task of ``cost`` micro-dollars would pass a limit that is in force."""
        now = vendor_now()
        rows = self._database.rows(
            "SELECT * FROM spending_limits WHERE device = ? AND start_at <= ? AND end_at > ?", (device, now, now)
        )
        return any(
            sum(self._spent(device, row["start_at"], row["end_at"])) + cost > int(Decimal(row["amount"]) * _MICRO)
            for row in rows
        )

    def clear(self) -> None:
        """Forget all limits."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM spending_limits")


def _amount(request: Mapping[str, Any]) -> str:
    amount = str(request.get("spendingLimit", ""))
    whole, _, cents = amount.partition(".")
    if not whole.isdigit() or len(cents) > 2 or (cents and not cents.isdigit()):  # noqa: PLR2004  cents
        raise Fault("ValidationException", "spendingLimit must be dollars with at most two decimals.")
    return amount


def _dollars(micros: int) -> str:
    return f"{Decimal(micros) / _MICRO:.2f}"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
