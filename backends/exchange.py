"""What can come of one request to a vendor? A whole reply, or one of two doubts, and never later than its time."""

from __future__ import annotations

import json
import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REPLY_BYTES = 64 << 20
_PATIENCE_S = 10.0
_LONGEST_PATIENCE_S = 3600.0
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


def patience(header: str | None) -> float:
    """Seconds from ``Retry-After``: a number or a date (RFC 9110 §10.2.3); ten where it says nothing sensible."""
    if header is None:
        return _PATIENCE_S
    try:
        seconds = float(header)
    except ValueError:
        seconds = _until(header)
    return min(max(seconds, 0.0), _LONGEST_PATIENCE_S) if math.isfinite(seconds) else _PATIENCE_S


def _until(header: str) -> float:
    try:
        return parsedate_to_datetime(header).timestamp() - time()
    except ValueError:
        return _PATIENCE_S


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
