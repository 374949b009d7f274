"""What does a frame of a child say, if it says anything? The child may be hostile: nothing in it is taken unread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from backends import storable
from backends.walls import WALLS

if TYPE_CHECKING:
    from collections.abc import Mapping


# What an honest reply of the longest frame cannot have: 256 MiB hold 8.4 million keys of a histogram. Of "{}," they
# hold 89 million, which would be 8 GB here, and the end of the process that serves everybody.
MOST_PARTS = 10_000_000
_OPENERS = (b",", b"{", b"[")
_CHUNK = 1 << 20


def opened(frame: bytes | bytearray) -> dict[str, Any] | None:
    """The JSON object of a frame; None for anything else, NaN, nesting without end and endless parts among it."""
    if len(frame) > MOST_PARTS and _more_parts_than(MOST_PARTS, frame):
        return None
    try:
        found = _DECODER.decode(frame.decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _more_parts_than(most: int, frame: bytes | bytearray) -> bool:
    """Whether it holds more values than that, found without building one.

    The commas of a photonic state are no values. Where quotes may be escaped, inside and outside are not told apart.
    """
    if sum(map(frame.count, _OPENERS)) <= most:
        return False
    found, quoted = 0, False
    for at in range(0, len(frame), _CHUNK):
        pieces = frame[at : at + _CHUNK].split(b'"')
        found += sum(map(b"".join(pieces[quoted::2]).count, _OPENERS))
        quoted ^= not len(pieces) % 2
    return found > most or b"\\" in frame


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
