"""Into which words does an OpenQASM text fall? One regular expression finds them all, in one pass."""

from __future__ import annotations

import re
from itertools import islice

from broker.intake.text import place

# One pass of one regular expression, every quantifier possessive: no input makes it step back. ``q[3]`` is one
# word, because nearly all operands look so and every word costs the reader. An unterminated comment swallows the
# rest, else each "/*" of a long run would look for its end again.
_WORD = re.compile(
    r"""
    (?: [ \t\r\n]++ | //[^\r\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/ )*+
    (
      \#?pragma\b[^\r\n]*+
    | [^\W\d]\w*+(?:\[[0-9]++\])?+
    | \$[0-9]++
    | (?:[0-9][0-9_]*+(?:\.[0-9_]*+)?+|\.[0-9][0-9_]*+)(?:[eE][+-]?+[0-9]++)?+\w*+
    | "[^"\r\n]*+"?+
    | /\*[\s\S]*+
    | ->|\+\+|\*\*=?+|<<=?+|>>=?+|&&|\|\||[-+*/%&|^<>=!~]=
    | [\s\S]
    | \Z
    )
    """,
    re.VERBOSE,
)
_BLOCK_COMMENT = re.compile(r"""//[^\r\n]*+|"[^"\r\n]*+"?+|(/\*)""")

END = ""


def words(source: str) -> list[str]:
    """All words of ``source``; the last is ``END``. Locations are found again only when something is wrong."""
    return _WORD.findall(source)


def locate(source: str, number: int) -> tuple[int, int]:
    """Line and column of word ``number``."""
    match = next(islice(_WORD.finditer(source), number, None), None)
    return place(source, len(source.rstrip()) if match is None or not match.group(1) else match.start(1))


def block_comment(source: str) -> int | None:
    """The offset of the first ``/*`` outside line comments and strings, or None."""
    if "/*" not in source:
        return None
    return next((match.start() for match in _BLOCK_COMMENT.finditer(source) if match.group(1)), None)
