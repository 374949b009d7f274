"""What can come of one request to a vendor? A whole reply, or one of two doubts, and never later than its time."""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REPLY_BYTES = 64 << 20
# Where a vendor that is busy does not say for how long.
PATIENCE_S = 10.0
SHORTEST_PATIENCE_S = 1.0
LONGEST_PATIENCE_S = 3600.0
_LONGEST_HEADER = 100
_T = TypeVar("_T")


class Unsent(Exception):
    """No byte of the request can have reached the vendor."""


class Unanswered(Exception):
    """The request may have reached the vendor; no whole answer came back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer as it came. ``document`` is its JSON object, or None where it is not one."""

    status: int
    document: dict[str, Any] | None
    retry_after: str | None = None
    text: str = ""

    @classmethod
    def of(cls, status: int, content: bytes, retry_after: str | None) -> Self:
        """From a whole body; what is no UTF-8 is no document, and shows as replacement characters."""
        text = content.decode("utf-8", "replace")
        return cls(status=status, document=_object(content), retry_after=retry_after, text=text)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def patience(header: object, *, otherwise: float = PATIENCE_S) -> float:
    """Seconds from ``Retry-After``, a number or a date (RFC 9110 §10.2.3); ``otherwise`` where it says nothing.

    Never below ``SHORTEST_PATIENCE_S``, whatever a server says: "0" made one job send thousands of creates. Never above
    ``LONGEST_PATIENCE_S``: a date of next year would park a job for good.
    """
    told = _told_s(header)
    seconds = otherwise if told is None else told
    return min(max(seconds, SHORTEST_PATIENCE_S), LONGEST_PATIENCE_S)


def _told_s(header: object) -> float | None:
    if not isinstance(header, str) or len(header) > _LONGEST_HEADER:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _until(header)
    return seconds if math.isfinite(seconds) else None


def _until(header: str) -> float | None:
    try:
        at = parsedate_to_datetime(header)
        # A date without a zone is GMT (RFC 9110 §5.6.7), and not where this machine happens to stand.
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def within(seconds: float, call: Callable[[], _T], *, name: str) -> _T:
    """The value of ``call`` from a thread of its own: a resolver or a byte-wise body can outlast any socket timeout.

    Raises:
        TimeoutError: it has not ended; the thread, which bears ``name``, goes on and nobody hears it.
    """
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:  # noqa: BLE001  handed to the waiting thread, which sorts them all
            outcome.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome.result(timeout=seconds)
