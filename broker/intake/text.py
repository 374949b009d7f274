"""Which characters may a program contain? Those that every reader of it takes for the same."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from broker.domain.errors import ProgramInvalid

if TYPE_CHECKING:
    from broker.intake.limits import Limits

# A lone carriage return, the Unicode line ends and the bidirectional controls make two parsers (or a parser and a
# person) read different programs from the same text. Nothing here has an honest use in a program.
FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]|\r(?!\n)"
)
_SCRIPTS = ("LATIN ", "GREEK ", "HANGUL ", "CJK UNIFIED ", "HIRAGANA ", "KATAKANA ")
_SYMBOLS = frozenset("µℇ")
_LOOKALIKES = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳοϲıȷɑɡ")


def place(source: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of the character at ``offset``."""
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)


def check_text(source: str, limits: Limits) -> None:
    """Refuse a text that is too large, empty, or holds a character that reads differently from how it looks."""
    size = len(source) if source.isascii() else len(source.encode("utf-8", "surrogatepass"))
    if size > limits.source_bytes:
        raise ProgramInvalid(
            "program_too_large",
            f"the program has {size} bytes, at most {limits.source_bytes} are allowed",
            line=1,
            column=1,
        )
    bad = FORBIDDEN.search(source)
    if bad is not None:
        line, column = place(source, bad.start())
        raise ProgramInvalid(
            "program_character",
            f"character U+{ord(bad.group()[0]):04X} is not allowed in a program",
            line=line,
            column=column,
            hint="save the file as plain UTF-8 text without byte order mark, control or direction characters",
        )
    if not source or source.isspace():
        raise ProgramInvalid("program_empty", "the program is empty", line=1, column=1)


def deceptive(name: str) -> str | None:
    """The first character of ``name`` that can pass for another one, or None."""
    for character in name:
        if not character.isascii() and not _honest(character):
            return character
    return None if unicodedata.is_normalized("NFC", name) else name[-1]


def _honest(character: str) -> bool:
    if character in _SYMBOLS:
        return True
    known = unicodedata.name(character, "").startswith(_SCRIPTS) and unicodedata.is_normalized("NFKC", character)
    return known and character not in _LOOKALIKES
