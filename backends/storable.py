"""What of that which a child or a vendor says may be kept? Texts that any database stores, numbers in their bounds."""

from __future__ import annotations

import math
import re

from broker.domain.text import storable

# A sentence for a member: longer ones are dumps of something.
MAX_SENTENCE = 2000
# Names, versions, status words, pointers.
MAX_NAME = 200
# Lines and columns of a program of at most 1 MiB; anything above is no place in it.
MAX_PLACE = 1 << 24
# Shots, milliseconds: far above what any vendor bills in one job, far below what a 64-bit column holds.
MAX_AMOUNT = 1 << 50

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REMOTE_ID = re.compile(r"[!-~]{1,256}")


def text(value: object, most: int = MAX_SENTENCE) -> str:
    """A text that UTF-8 and PostgreSQL take, of at most ``most`` characters; what is no text is none."""
    return storable(value[:most]) if isinstance(value, str) else ""


def name(value: object) -> str | None:
    """A short text, or None where there is none."""
    return text(value, MAX_NAME) or None


def code(value: object, otherwise: str) -> str:
    """An error code of our own form (``program_invalid``)."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else otherwise


def place(value: object) -> int | None:
    """A line or a column; a boolean, a fraction or a number beyond any program is none."""
    return value if type(value) is int and 0 <= value <= MAX_PLACE else None


def pointer(value: object) -> str | None:
    """A JSON pointer as far as it is one; ``""`` is the whole document."""
    return text(value, MAX_NAME) if isinstance(value, str) else None


def amount(value: object) -> int | None:
    """A count of what is billed: whole, not negative, not absurd."""
    return value if type(value) is int and 0 <= value <= MAX_AMOUNT else None


def seconds(value: object) -> float | None:
    """A duration, or a Unix time, in seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= MAX_AMOUNT and math.isfinite(value) else None


def remote_id(value: object) -> str | None:
    """A vendor's id for a job: short, printable, in one line; it becomes a column and a path."""
    return value if isinstance(value, str) and _REMOTE_ID.fullmatch(value) else None
