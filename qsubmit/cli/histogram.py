"""How are counts drawn? Horizontal bars in eighths of a cell, most frequent first, never wider than the terminal."""

from __future__ import annotations

import sys

from qsubmit.cli import terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

EIGHTHS = " ▏▎▍▌▋▊▉█"
LONGEST_BAR = 60
SHORTEST_BAR = 10


def ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Most frequent first, equals by outcome."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def lines(counts: Mapping[str, int], *, top: int, limit: int) -> list[str]:
    """A line per outcome, the rest summed up in one."""
    rows, shots = ordered(counts), sum(counts.values())
    if not rows:
        return ["no outcomes"]
    shown, hidden = rows[:top], rows[top:]
    digits = max(len(f"{count:,}") for _, count in shown)
    room = limit - digits - len("   100.0 %") - 2
    label = min(max(terminal.cells(key) for key, _ in shown), max(room - SHORTEST_BAR, 8))
    length = max(min(room - label, LONGEST_BAR), 4)
    most = shown[0][1]
    drawn = [
        f"{_label(key, label)}  {terminal.style(bar(count / most, length), 'cyan')}"
        f"{count:>{digits + 1},} {words.percent(count / shots):>8}"
        for key, count in shown
    ]
    if hidden:
        rest = sum(count for _, count in hidden)
        drawn.append(f"… and {len(hidden):,} more with {rest:,} shots ({words.percent(rest / shots)})")
    return drawn


def bar(share: float, length: int) -> str:
    """``share`` of ``length`` cells, padded; what is not zero shows at least a sliver."""
    if not terminal.unicode(sys.stdout):
        return ("#" * max(round(share * length), int(share > 0))).ljust(length)
    eighths = max(round(share * length * 8), int(share > 0))
    full, part = divmod(eighths, 8)
    return (EIGHTHS[8] * full + (EIGHTHS[part] if part else "")).ljust(length)


def _label(key: str, room: int) -> str:
    key = terminal.clean(key)
    if terminal.cells(key) > room:
        tail = (room - 1) // 2
        key = f"{key[: room - 1 - tail]}…{key[-tail:]}"
    return terminal.pad(key, room)
