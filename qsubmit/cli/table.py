"""How do rows line up? Columns that fit the terminal: the widest gives way first, the optional ones leave."""

from __future__ import annotations

import sys

from qsubmit.cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2


class Column:
    """``least`` is the width it may be cut to (0 = never cut); higher ``optional`` leaves first (0 = stays)."""

    __slots__ = ("least", "optional", "right", "title")

    def __init__(self, title: str, *, right: bool = False, least: int = 0, optional: int = 0) -> None:
        self.title = title
        self.right = right
        self.least = least
        self.optional = optional


def show(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: str = "", style: int = -1) -> None:
    """Print it. ``style`` is the index of the column whose words are states, if any."""
    limit = terminal.width(sys.stdout)
    for number, line in enumerate(render(columns, rows, limit=limit and limit - len(indent), states=style)):
        terminal.out(indent + (terminal.style(line, "bold") if number == 0 else line))


def render(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, limit: int | None, states: int = -1
) -> list[str]:
    """The lines, header first. Without a limit nothing is cut."""
    texts = [[terminal.clean(cell) for cell in row] for row in rows]
    widths = [
        max([terminal.cells(column.title), *(terminal.cells(row[i]) for row in texts)])
        for i, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    if limit is not None:
        kept = fit(columns, widths, limit)
    lines = [_line([columns[i].title for i in kept], kept, columns, widths)]
    for row in texts:
        cells = [_cell(row[i], widths[i], right=columns[i].right) for i in kept]
        shown = [
            terminal.state(c.strip()) + c[len(c.rstrip()) :] if i == states else c
            for i, c in zip(kept, cells, strict=True)
        ]
        lines.append((" " * GAP).join(shown).rstrip())
    return lines


def _cell(text: str, room: int, *, right: bool) -> str:
    # The sandbox mark at the end of a name is worth more than one more letter of it.
    if text.endswith("*") and terminal.cells(text) > room:
        text = terminal.cut(text[:-1], room - 1) + "*"
    return terminal.pad(text, room, right=right)


def _line(cells: Sequence[str], kept: Sequence[int], columns: Sequence[Column], widths: Sequence[int]) -> str:
    padded = [terminal.pad(text, widths[i], right=columns[i].right) for text, i in zip(cells, kept, strict=True)]
    return (" " * GAP).join(padded).rstrip()


def fit(columns: Sequence[Column], widths: list[int], limit: int) -> list[int]:
    """Indices of the columns that stay; ``widths`` is narrowed in place."""
    kept = list(range(len(columns)))
    while _least(columns, widths, kept) > limit:
        leaving = max(kept, key=lambda i: columns[i].optional)
        if columns[leaving].optional == 0:
            break
        kept.remove(leaving)
    while sum(widths[i] for i in kept) + GAP * (len(kept) - 1) > limit:
        able = [i for i in kept if columns[i].least and widths[i] > columns[i].least]
        if not able:
            break
        widths[max(able, key=lambda i: widths[i])] -= 1
    return kept


def _least(columns: Sequence[Column], widths: Sequence[int], kept: Sequence[int]) -> int:
    smallest = (min(widths[i], columns[i].least) if columns[i].least else widths[i] for i in kept)
    return sum(smallest) + GAP * (len(kept) - 1)
