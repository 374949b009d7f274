"""How long did a job run? Pasqal's way of writing a time, both ways."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """ISO 8601 text of a Unix time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def unix(text: str | None) -> float | None:
    """Unix seconds of the vendor's text; a time without a zone is UTC, and one that is no time is None."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def run_ms(started: str | None, ended: str | None) -> int:
    """Whole milliseconds between two of the vendor's times, 0 where one is missing: what time is billed on."""
    start, end = unix(started), unix(ended)
    if start is None or end is None:
        return 0
    return max(round((end - start) * 1000), 0)
