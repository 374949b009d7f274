"""How are times, amounts and probabilities said? Short, for people."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from qsubmit.shapes import Json

DECIMALS = {"KRW": 0, "EUR": 2, "USD": 2}
MINUTE, HOUR, DAY = 60, 3600, 86400


def span(seconds: float | None) -> str:
    """``7 ms``, ``1.2 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``, ``3 d 4 h``; ``-`` for none."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE - 0.5:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004  two digits are enough
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // 60:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def brief(seconds: float | None) -> str:
    """One unit, for a narrow column: ``84 s``, ``26 h``, ``3 d``."""
    if seconds is None:
        return "-"
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s" if seconds else "0 s"


def money(amount: str | None, currency: str) -> str:
    """``12 KRW``, ``1.25 USD``; small amounts keep two telling digits instead of vanishing."""
    if amount is None:
        return "-"
    from decimal import Decimal

    value = Decimal(amount)
    places = DECIMALS.get(currency, 2)
    if value and abs(value) < Decimal(1).scaleb(-places):
        return f"{value:.{1 - value.adjusted()}f}".rstrip("0") + f" {currency}"
    return f"{value:,.{places}f} {currency}"


def percent(share: float) -> str:
    """``51.2 %``."""
    return f"{share * 100:.1f} %"


def number(value: float) -> str:
    """A parameter's value, short."""
    return f"{value:.6g}"


def parse(text: str) -> datetime:
    """An ISO time of the server."""
    from datetime import UTC, datetime

    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def local(text: str | None) -> str:
    """``2026-11-21 09:10:22`` in local time; ``-`` for none."""
    return f"{parse(text).astimezone():%Y-%m-%d %H:%M:%S}" if text else "-"


def age(text: str) -> str:
    """How long ago, in one unit: ``5 s``, ``12 min``, ``3 h``, ``9 d``."""
    from datetime import UTC, datetime

    passed = max((datetime.now(UTC) - parse(text)).total_seconds(), 0)
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if passed >= length:
            return f"{passed // length:.0f} {unit}"
    return f"{passed:.0f} s"


def cost(view: Json) -> str:
    """What it was charged, or ``~`` what it was quoted."""
    if view["charged"] is not None:
        return money(view["charged"], view["currency"])
    return "~" + money(view["quoted"], view["currency"])
