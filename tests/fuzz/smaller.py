"""Which smaller program shows the same failure? Pieces are left out, half of it first, as long as it still shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.case import Case

MOST_TRIES = 120


def smallest(case: Case, shows: Callable[[Case], bool]) -> Case:
    """The smallest found in ``MOST_TRIES``; the case itself if nothing can be left out."""
    tries, piece = 0, len(case.source) // 2
    while piece and tries < MOST_TRIES:
        at = 0
        while at < len(case.source) and tries < MOST_TRIES:
            less = replace(case, source=case.source[:at] + case.source[at + piece :])
            tries += 1
            if shows(less):
                case = less
            else:
                at += piece
        piece //= 2
    return case
