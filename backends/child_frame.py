"""What does a frame of a child say, if it says anything? The child may be hostile: nothing in it is taken unread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from backends import storable
from backends.walls import WALLS

if TYPE_CHECKING:
    from collections.abc import Mapping


def opened(frame: bytes | bytearray) -> dict[str, Any] | None:
    """The JSON object of a frame; None for anything else, NaN and nesting without end among it."""
    try:
        found = _DECODER.decode(frame.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def lacks(frame: Mapping[str, Any]) -> tuple[str, ...]:
    """The walls that were not to be had, as the child found before it read its first program."""
    told = frame.get("lacks")
    return tuple(wall for wall in WALLS if wall in told) if isinstance(told, list) else tuple(WALLS)


def spent_s(frame: Mapping[str, Any], *, at_least: float, at_most: float) -> float | None:
    """Processor seconds of a child's whole life: they only grow, and no faster than all processors together run.

    The next call's limit is counted from here: a child that claims a year would have no limit any more.
    """
    told = storable.seconds(frame.get("cpu"))
    return told if told is not None and at_least <= told <= at_most else None


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_constant=_refuse)
