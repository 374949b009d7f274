"""How does a test that is not on an event loop, or stands on one already, inspect a small program?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.domain.program import Program
    from broker.services.prepare import Inspected, Preparation


def inspected_now(preparation: Preparation, program: Program, owner: str) -> Inspected:
    """A small program is inspected where it arrives, so its coroutine never waits."""
    asked = preparation.inspect(program, owner)
    try:
        asked.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("this program is too heavy for that")
