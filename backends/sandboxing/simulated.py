"""What of a simulation child's answer does a sandbox keep, and charge for? What can be, by the parent's own clock."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.child import ChildError, ChildKilled
from backends.sandboxing.runner import RunFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

# Beside the run itself: a pipe, and a clock that is rounded up.
_MARGIN_MS = 1000
_ODD = "the simulation gave an answer that is none"


def simulated(call: Callable[[], Any], *, parts: Collection[str]) -> tuple[dict[str, Any], int]:
    """The child's answer, which has exactly these parts, and the milliseconds that it can have taken at most.

    Raises:
        RunFailed: the program failed, or the answer is none: that is this task's own end and nobody else's.
    """
    started = time.monotonic()
    try:
        answer = call()
    except ChildError as error:
        raise RunFailed(error.message) from None
    except ChildKilled as error:
        raise RunFailed(f"the run was {error}") from None
    if not isinstance(answer, dict) or set(answer) != set(parts):
        raise RunFailed(_ODD)
    return answer, int((time.monotonic() - started) * 1000) + _MARGIN_MS


def run_ms_of(answer: Mapping[str, Any], *, most: int) -> int:
    """The run time that is billed: the child's own, where it has passed at all."""
    told = storable.amount(answer.get("run_ms"))
    if told is None or told > most:
        raise RunFailed(_ODD)
    return told


def shots_of(answer: Mapping[str, Any], *, most: int) -> int:
    """The shots that are billed: no more than were asked for."""
    told = storable.amount(answer.get("shots"))
    if told is None or told > most:
        raise RunFailed(_ODD)
    return told


def document_of(text: object) -> str:
    """The text of a JSON object."""
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(text, str):
        raise RunFailed(_ODD)
    return text
