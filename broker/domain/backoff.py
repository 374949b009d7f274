"""How long until the next try? Longer after each failure, never at once, and spread, so that few come together."""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta

# A vendor that says "at once" still gets this much peace: one job made 2,656 requests in 20 s under `Retry-After: 0`.
FLOOR = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)
# What a vendor asks for is believed up to here: a header of 10^12 seconds must not park a job for ever.
LONGEST_ASKED = timedelta(hours=1)
_DOUBLINGS = 20


def backoff(
    tries: int, *, seed: str, asked_s: float = 0.0, floor: timedelta = FLOOR, longest: timedelta = LONGEST
) -> timedelta:
    """The wait after the ``tries``-th failure in a row (from 1).

    At least what was asked, and at least ``floor``. From the second failure on it doubles, up to ``longest``, and up
    to a quarter is added that ``seed`` (an attempt's id) determines: who failed together does not come back together.
    """
    asked = max(asked_within(asked_s), floor)
    if tries <= 1:
        return asked
    grown = min(asked * (1 << min(tries - 1, _DOUBLINGS)), max(longest, asked))
    return grown * (1 + _fraction(f"{seed}/{tries}") / 4)


def asked_within(seconds: float) -> timedelta:
    """A delay from outside as a duration between nothing and ``LONGEST_ASKED``; no number is no wish."""
    if not math.isfinite(seconds):
        return LONGEST_ASKED if seconds == math.inf else timedelta(0)
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_ASKED.total_seconds()))


def _fraction(seed: str) -> float:
    return int.from_bytes(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:6], "big") / (1 << 48)
