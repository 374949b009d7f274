"""How is one field of a serialised Perceval object changed? The message is taken apart, changed and put together."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import TYPE_CHECKING

from broker.intake.wire import MalformedError, fields
from tests.support.hostile.documents import field, varint

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Part = tuple[int, "int | bytes | Message"]
    Message = list[Part]

_ZIP = ":PCVL:zip:"
_DEEPEST = 12
_DOUBLES = (0.5, 1e308, float("inf"), float("nan"), -0.0)
_WHOLE = (0, 1, 3, 99, 2**31, 2**63)
_LATEST = 30


def mutated(text: str, draw: Random, attack: Callable[[Random], str]) -> str:
    """The ``:PCVL:`` text with one field changed, added, doubled or removed; itself if it is none."""
    try:
        plain = zlib.decompress(base64.b64decode(text[len(_ZIP) :])).decode() if text.startswith(_ZIP) else text
        head, _, coded = plain.rpartition(":")
        message = _apart(base64.b64decode(coded), 0)
    except (ValueError, binascii.Error, zlib.error, MalformedError):
        return text
    _change(draw.choice(_messages(message)), draw, attack)
    return f"{head}:{base64.b64encode(_together(message)).decode()}"


def _apart(content: bytes, depth: int) -> Message:
    found: Message = []
    for number, value in fields(memoryview(content)):
        if isinstance(value, int):
            found.append((number, value))
        else:
            found.append((number, _guessed(bytes(value), depth)))
    return found


def _guessed(content: bytes, depth: int) -> bytes | Message:
    """A message if it reads as one that says the same when put together again, else a text or a number."""
    if depth > _DEEPEST or not content:
        return content
    try:
        inner = _apart(content, depth + 1)
    except MalformedError:
        return content
    known = all(0 < number <= _LATEST for number, _ in inner)
    return inner if known and _together(inner) == content else content


def _together(message: Message) -> bytes:
    parts = []
    for number, value in message:
        if isinstance(value, bytes) and len(value) == struct.calcsize("d") and not value.isascii():
            parts.append(varint(number << 3 | 1) + value)
        else:
            parts.append(field(number, _together(value) if isinstance(value, list) else value))
    return b"".join(parts)


def _messages(message: Message) -> list[Message]:
    found = [message]
    for _, value in message:
        if isinstance(value, list):
            found += _messages(value)
    return found


def _change(message: Message, draw: Random, attack: Callable[[Random], str]) -> None:
    fresh: int | bytes | Message = draw.choice(
        (
            attack(draw).encode(errors="replace"),
            attack(draw).encode(errors="replace"),
            draw.choice(_WHOLE),
            struct.pack("<d", draw.choice(_DOUBLES)),
            [(draw.randint(1, 5), attack(draw).encode(errors="replace"))],
        )
    )
    if not message or draw.random() < 0.3:
        message.append((draw.randint(1, _LATEST), fresh))
        return
    at = draw.randrange(len(message))
    deed = draw.randrange(4)
    if deed == 0:
        message.insert(at, message[at])
    elif deed == 1:
        del message[at]
    else:
        texts = [place for place, (_, value) in enumerate(message) if isinstance(value, bytes)]
        at = draw.choice(texts) if texts and draw.random() < 0.7 else at
        message[at] = (message[at][0], fresh)
