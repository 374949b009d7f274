"""What does ``5000KRW``, ``+2h`` or a file of points mean? Text from people into the request's own forms."""

# ruff: noqa: PTH123  pathlib takes 15 ms, half of the client's start
from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from qsubmit.shapes import Json

MOST_DIGITS = 18  # of a whole number: what 64 bits hold
_MONEY = r"([\d,]+(?:\.\d{1,6})?)\s*([A-Za-z]{3})|([A-Za-z]{3})\s*([\d,]+(?:\.\d{1,6})?)"
_SPAN = r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)?"
_UNIT = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


def money(text: str) -> dict[str, str]:
    """``5000KRW``, ``5,000 krw`` or ``USD 1.25``."""
    match = re.fullmatch(_MONEY, text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount; write it like 5000KRW or 1.25USD")
    amount, currency = match[1] or match[4], match[2] or match[3]
    return {"amount": amount.replace(",", ""), "currency": currency.upper()}


def seconds(text: str) -> float:
    """``90``, ``90s``, ``10m``, ``2h``, ``1d`` or a sum such as ``1h30m``, in seconds."""
    rest, total = text.strip().lower().replace(" ", ""), 0.0
    while rest:
        match = re.match(_SPAN, rest)
        if match is None:
            break
        total, rest = total + float(match[1]) * _UNIT[match[2] or "s"], rest[match.end() :]
    if rest or not text.strip():
        raise ValueError(f"{text!r} is no length of time; write it like 90s, 10m, 2h or 1h30m")
    return total


def moment(text: str, now: datetime | None = None) -> str:
    """An ISO time (local if it names no zone), ``+2h`` from now or ``-2h`` ago, as ISO text in UTC."""
    from datetime import UTC, datetime, timedelta

    text = text.strip()
    now = now or datetime.now(UTC)
    try:
        if text[:1] in {"+", "-"}:
            step = timedelta(seconds=seconds(text[1:]))
            at = now + step if text[0] == "+" else now - step
        else:
            at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; write it like 2026-12-01T09:00 or +2h") from None
    return at.isoformat().replace("+00:00", "Z")


def past(text: str, now: datetime | None = None) -> str:
    """Like ``moment``, but a bare length of time means that long ago."""
    try:
        seconds(text)
    except ValueError:
        return moment(text, now)
    return moment(f"-{text}", now)


def probability(text: str) -> float:
    """``0.9`` or ``90%``."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is no probability; write it like 0.9 or 90%")
    return value


def pair(text: str) -> tuple[str, str]:
    """``key=value``."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"{text!r} is not of the form key=value")
    return key.strip(), value


def points(text: str) -> list[dict[str, float]]:
    """JSON, or a file of JSON or CSV: ``[{"theta": 0.1}, ...]``, or ``{"theta": [0.1, ...]}`` with equal lengths."""
    if text.lstrip()[:1] not in {"[", "{"}:
        with open(text, encoding="utf-8") as file:
            content = file.read()
        if text.lower().endswith(".csv"):
            return _rows(content)
        text = content
    import json

    return _bindings(json.loads(text))


def _rows(content: str) -> list[dict[str, float]]:
    import csv

    return [{key.strip(): float(value) for key, value in row.items()} for row in csv.DictReader(content.splitlines())]


def _bindings(document: Json) -> list[dict[str, float]]:
    if isinstance(document, dict):
        columns = {key: value if isinstance(value, list) else [value] for key, value in document.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise ValueError("the lists of values differ in length")
        document = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if not isinstance(document, list) or not all(_is_binding(point) for point in document):
        raise ValueError('points must look like [{"theta": 0.1}, {"theta": 0.2}]')
    return document


def _is_binding(point: Json) -> bool:
    if not isinstance(point, dict):
        return False
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in point.values())
