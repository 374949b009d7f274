"""Until when may we speak with Pasqal? The deadline of one send, where the vendor's client passes no time through."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from backends.errors import NotTried

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Every exchange in the block ends before ``deadline`` (``time.monotonic()``), and none begins after it."""
    before = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(before)


def seconds(most: float) -> float:
    """The time for one exchange: ``most``, or what is left.

    Raises:
        NotTried: nothing is left; nothing was sent.
    """
    left = _DEADLINE.get() - time.monotonic()
    if left <= 0:
        raise NotTried("the time for this send is over; nothing was sent", retry_after=1.0)
    return min(most, left)
