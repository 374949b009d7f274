"""When is a failed request sent again, and after what pause? Pure but for the sleep that is passed in."""

from __future__ import annotations

from qsubmit.errors import QsubmitError, Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

ATTEMPTS = 6
READ_ATTEMPTS = 3
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
TRANSIENT = frozenset({429, 502, 503, 504})


def worth_repeating(error: QsubmitError) -> bool:
    """Whether the same request may do better soon: no answer, busy, throttled, or its twin still in flight."""
    if isinstance(error, Unreachable):
        return error.code != "certificate"
    return error.status in TRANSIENT or error.code == "idempotency_in_flight"


def pause(attempt: int, asked: float | None, jitter: float) -> float:
    """Seconds before try ``attempt + 1``: what the server asked, else doubling; ``jitter`` is in [0, 1)."""
    grown = min(FIRST_PAUSE_S * (1 << attempt), LONGEST_PAUSE_S)
    return max(asked or 0.0, grown * (0.5 + jitter))


def insist(
    act: Callable[[], T],
    *,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None],
    jitter: Callable[[], float],
    told: Callable[[QsubmitError, float], None] | None = None,
) -> T:
    """``act()``, repeated while that makes sense; ``told`` hears of each failure and the pause that follows."""
    waited, attempt = 0.0, 0
    while True:
        try:
            return act()
        except QsubmitError as error:
            rest = pause(attempt, error.retry_after, jitter())
            waited, attempt = waited + rest, attempt + 1
            if not worth_repeating(error) or attempt >= attempts or waited > PATIENCE_S:
                raise
            if told:
                told(error, rest)
        sleep(rest)
