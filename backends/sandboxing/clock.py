"""What time is it at a simulated vendor? A vendor's clock does not jump when somebody sets this machine's."""

from __future__ import annotations

from functools import lru_cache

from broker.clock import Steady, steady


@lru_cache(maxsize=1)
def _clock() -> Steady:
    return steady()


def now() -> float:
    """Seconds since the epoch; never goes back within a process."""
    return _clock()().timestamp()
