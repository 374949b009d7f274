"""Would the simulation notice? Known ways to get the protocol wrong, each a patch of the real code (or of the store).

A mutant that no schedule catches means that the simulation proves nothing about the line which it changes.
The mistakes themselves are in mistakes_sending.py, mistakes_wanting.py, mistakes_books.py and mistakes_hosts.py.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from tests.simulation.mistakes_books import BOOKS
from tests.simulation.mistakes_hosts import HOSTING
from tests.simulation.mistakes_sending import SENDING
from tests.simulation.mistakes_wanting import WANTING
from tests.simulation.plan import exhaustive
from tests.simulation.run import play_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.mistake import Mistake

MOST = 4000
CHUNK = 25
MUTANTS: dict[str, Mistake] = SENDING | WANTING | BOOKS | HOSTING


def caught(mutant: Mistake, *, most: int = MOST) -> tuple[int, str, str] | None:
    """How many schedules it took, the id that catches it and the broken invariant; None if it survives."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.make(patch)
        played, rest = 0, islice(_schedules(mutant.where), most)
        while chunk := list(islice(rest, CHUNK)):
            tally = play_all(chunk)
            played += len(chunk)
            if tally.failures:
                return played, *tally.failures[0]
    return None


def _schedules(where: str) -> Iterator[str]:
    """Random ones for ``random``; else the matching exhaustive ones, in strides, so that all kinds come early."""
    if where == "random":
        yield from (f"random/{number}" for number in range(MOST))
        return
    matching = [name for name in exhaustive() if re.match(where, name)]
    for start in range(17):
        yield from matching[start::17]
