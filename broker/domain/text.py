"""Which text can be stored? Any, once two kinds of character that a database or UTF-8 refuses are made visible."""

from __future__ import annotations

import re

# What a Name column takes: PostgreSQL refuses a longer one, SQLite does not.
LONGEST_NAME = 256
# SYMBOL FOR NULL and the replacement character: whoever reads the text sees that something stood there.
SHOWN_NUL, SHOWN_SURROGATE = "\u2400", "\ufffd"
_SURROGATE = re.compile("[\ud800-\udfff]")


def spoiled(text: str) -> bool:
    """Whether PostgreSQL (NUL) or UTF-8 (half a surrogate) refuses the text."""
    return "\x00" in text or not (text.isascii() or _SURROGATE.search(text) is None)


def storable(text: str) -> str:
    """The text as it can be stored: the same one, nearly always."""
    if not spoiled(text):
        return text
    return _SURROGATE.sub(SHOWN_SURROGATE, text.replace("\x00", SHOWN_NUL))


def name(text: str) -> str:
    """The same for a Name column; what is too long ends in an ellipsis. Not for an id: half an id names another."""
    if len(text) <= LONGEST_NAME:
        return storable(text)
    return storable(text[: LONGEST_NAME - 1] + "…")


def fits_name(text: str) -> bool:
    """Whether a Name column takes the text as it is: what an id from outside must pass."""
    return 0 < len(text) <= LONGEST_NAME and not spoiled(text)
