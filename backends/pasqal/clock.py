"""How long did a job run? Pasqal's way of writing a time, both ways."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.errors import Unreadable


def stamp(seconds: float) -> str:
    """ISO 8601 text of a Unix time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def unix(text: str | None) -> float | None:
    """Unix seconds of the vendor's text; a time without a zone is UTC, and one that is no time is None."""
    try:
        at = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def run_ms(started: str | None, ended: str | None) -> int:
    """Whole milliseconds between two of the vendor's times: what time is billed on.

    Raises:
        Unreadable: one is missing, none, or the end stands before the start. A zero would be a bill of zero.
    """
    start, end = unix(started), unix(ended)
    if start is None or end is None or end < start:
        raise Unreadable("pasqal tells no time at which the run started, or ended")
    return round((end - start) * 1000)
