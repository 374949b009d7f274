"""How does text reach the screen? Width, colour and characters that this terminal can show, and none it should not."""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from qsubmit.shapes import Json

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}
OURS = re.compile(r"(\x1b\[(?:0|1|2|31|32|33|35|36)m)")
ODD = re.compile(r"[^\x20-\x7e\n]")
STATE_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "expired": "yellow",
    "unknown": "magenta",
    "attention": "magenta",
}


def out(text: str = "") -> None:
    """A line of the answer."""
    sys.stdout.write(_writable(text, sys.stdout) + "\n")


def note(text: str) -> None:
    """A line beside the answer."""
    sys.stderr.write(_writable(text, sys.stderr) + "\n")
    sys.stderr.flush()


def document(value: Json) -> None:
    """The one JSON document of ``--json``."""
    import json

    text = json.dumps(value, ensure_ascii=not unicode(sys.stdout), indent=2)
    # JSON escapes what is below a space and nothing else; what turns text round or drives a terminal may stand above.
    sys.stdout.write(ODD.sub(lambda found: _escaped(found[0]), text) + "\n")


def _escaped(character: str) -> str:
    import json

    return character if character.isprintable() else json.dumps(character)[1:-1]


def is_tty(stream: TextIO) -> bool:
    """Whether a person looks at it."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def unicode(stream: TextIO) -> bool:
    """Whether it can show more than ASCII."""
    return (stream.encoding or "ascii").lower().replace("-", "") in {"utf8", "utf16", "utf32"}


def width(stream: TextIO) -> int | None:
    """Columns; None if nobody looks, so that nothing is cut in a pipe."""
    if not is_tty(stream):
        return None
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and len(given) <= 5 and int(given):  # noqa: PLR2004  no screen is wider
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def coloured(stream: TextIO) -> bool:
    """A terminal, no ``NO_COLOR``, and not a dumb one."""
    return is_tty(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, name: str, stream: TextIO | None = None) -> str:
    """``text`` in a colour or weight, where that can be shown."""
    if not name or not coloured(stream or sys.stdout):
        return text
    return f"\x1b[{STYLES[name]}m{text}\x1b[0m"


def state(word: str, stream: TextIO | None = None) -> str:
    """A state's word in its colour."""
    return style(word, STATE_STYLES.get(word, "cyan"), stream)


def clean(text: str) -> str:
    """Without control and direction characters: a job's name must not drive another member's terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def cells(text: str) -> int:
    """Columns that ``text`` takes; Korean letters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, room: int) -> str:
    """At most ``room`` columns, with an ellipsis if something is missing."""
    if cells(text) <= room:
        return text
    kept = ""
    for character in text:
        if cells(kept + character) > room - 1:
            break
        kept += character
    return kept + ("…" if unicode(sys.stdout) else ".")


def wrapped(text: str, *, indent: int = 0) -> list[str]:
    """Lines of whole words that fit, all but the first indented; one line where nobody looks."""
    room = width(sys.stdout)
    first, *rest = text.split(" ")
    lines, started = [first], bool(first)
    for word in rest:
        longer = f"{lines[-1]} {word}"
        if room and started and cells(longer) > room:
            lines.append(" " * indent + word)
        else:
            lines[-1] = longer
        started = started or bool(word)
    return lines


def dim(text: str) -> None:
    """A wrapped line of the answer that matters less."""
    for line in wrapped(text):
        out(style(line, "dim"))


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Exactly ``room`` columns."""
    text = cut(text, room)
    space = " " * (room - cells(text))
    return space + text if right else text + space


def _inert(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _writable(text: str, stream: TextIO) -> str:
    """The last wall: whatever was not cleaned before. Of control sequences only our own styles come through."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(part if OURS.fullmatch(part) else _inert(part) for part in OURS.split(text))
    if text.isascii() or unicode(stream):
        return text
    for nice, plain in (("…", "..."), ("·", "-"), ("→", "->"), ("×", "x"), ("±", "+-"), ("≤", "<=")):
        text = text.replace(nice, plain)
    return text.encode(stream.encoding or "ascii", "replace").decode(stream.encoding or "ascii")
