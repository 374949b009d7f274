"""Which texts may a document use as a name or as a label? Allow-lists: no quote, brace, per cent, backslash or path.

A *name* is what a library looks up, compares or makes a symbol of; a *label* is shown to people only, and yet some
library always holds it. Both are ASCII with the Greek letters that physicists use.
"""

from __future__ import annotations

import re
from typing import Final

# One letter; inside brackets of a regular expression. Without the final sigma and all that looks like Latin twice.
LETTER: Final = r"A-Za-z_\u0391-\u03a9\u03b1-\u03c9"
_NAME = re.compile(rf"[{LETTER}][{LETTER}0-9]{{0,63}}+")
_LABEL = re.compile(rf"[{LETTER}0-9 .,:+()#\u00b5\u00b0\-]{{0,100}}+")
_OBJECT = re.compile(rf"[{LETTER}0-9][{LETTER}0-9 .:#\-]{{0,99}}+")


def is_name(text: str) -> bool:
    """Whether it can be the name of a parameter or a variable; two underscores are Python's own business."""
    return _NAME.fullmatch(text) is not None and "__" not in text


def is_label(text: str) -> bool:
    """Whether people may be shown it; a library holds it and looks nothing up by it."""
    return _LABEL.fullmatch(text) is not None and _harmless(text)


def is_key(text: str) -> bool:
    """Whether things may be found by it: the name of an atom, a channel, a device (``q0``, ``dmm_0``, ``q 1.a``)."""
    return _OBJECT.fullmatch(text) is not None and _harmless(text)


def _harmless(text: str) -> bool:
    """Neither a word of Python's own nor one by which Perceval knows a serialised object."""
    return "__" not in text and not text.startswith(("pcvlar", ":"))
