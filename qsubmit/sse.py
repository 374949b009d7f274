"""What does an event stream say? Server-sent events parsed from an open answer, line by line."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from qsubmit.shapes import Event

MOST_DIGITS = 19  # of a position: what 64 bits hold


def parse(lines: Iterable[bytes]) -> Iterator[Event | None]:
    """Each event's data with the stream's id; ``None`` for a comment, the server's sign of life."""
    data: list[str] = []
    kind, position = "message", ""
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith(":"):
            yield None
        elif line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id":
                position = value
        else:
            event = _event(kind, position, data)
            data, kind = [], "message"
            if event is not None:
                yield event


def _event(kind: str, position: str, data: list[str]) -> Event | None:
    if kind not in {"move", "message"} or not data:
        return None
    event: Event = json.loads("\n".join(data))
    if position.isascii() and position.isdigit() and len(position) <= MOST_DIGITS:
        event["id"] = int(position)
    return event
