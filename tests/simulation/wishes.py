"""What does a member want, and when not any more?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.treatment import SECOND

if TYPE_CHECKING:
    import random

MINUTE = 60 * SECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One member's job: when it is sent, and when, if ever, it is cancelled; ``again`` sends it once more."""

    at: int
    cancel_at: int | None = None
    deadline: int | None = None
    again: bool = False
    shots: int = 100


def drawn_wish(rng: random.Random) -> Wish:
    """At any time, in one of three cancelled or with a deadline."""
    at = rng.choice((0, 0, rng.randrange(2 * MINUTE)))
    return Wish(
        at=at,
        cancel_at=at + rng.choice((0, SECOND, 35 * SECOND, 5 * MINUTE, 12 * MINUTE)) if rng.random() < 0.35 else None,
        deadline=at + rng.randrange(MINUTE, 10 * MINUTE) if rng.random() < 0.15 else None,
        again=rng.random() < 0.2,
        shots=rng.choice((1, 100, 1000)),
    )


def unwanted(rng: random.Random, *, cancels: bool) -> tuple[Wish, dict[tuple[str, int], int]]:
    """A job that is cancelled, or whose deadline passes, in doubt or while its worker stands still before it sends."""
    soon = rng.choice((SECOND, 5 * SECOND, 40 * SECOND, 3 * MINUTE, 11 * MINUTE))
    stands = {("submit.before_send", rng.choice((1, 1, 2))): 20 * SECOND} if rng.random() < 0.5 else {}
    wish = Wish(at=0, cancel_at=soon) if cancels or rng.random() < 0.6 else Wish(at=0, deadline=soon)
    return wish, stands
