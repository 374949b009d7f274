"""How small can a text be kept? Packed for storing, and unpacked to the same characters."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from broker.domain.text import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

# The fastest: the slowest saves a tenth more for several times the time, and this is done while jobs are admitted.
LEVEL = 1


def pack(text: str) -> bytes:
    """The text as bytes; what no database takes is made visible first, as it is for every text."""
    return zlib.compress(storable(text).encode(), LEVEL)


def unpack(packed: bytes) -> str:
    """The text that was packed."""
    return zlib.decompress(packed).decode()


def list_text(texts: Sequence[str]) -> str:
    """Several texts as one."""
    return json.dumps(texts, separators=(",", ":"))


def unpack_list(packed: bytes) -> list[str]:
    """The texts of ``list_text`` that were packed."""
    found: list[str] = json.loads(unpack(packed))
    return found
