"""What do a peer's job states mean here? A word that is not here is refused: guessing a state guesses a bill."""

from __future__ import annotations

from backends.base import Phase
from backends.errors import UnknownStatus

PHASES: dict[str, Phase] = {
    "accepted": Phase.QUEUED,
    "queued": Phase.QUEUED,
    "submitting": Phase.QUEUED,
    "submitted": Phase.QUEUED,
    # The peer does not know what became of it, or asks its operator: not over, and not for us to decide.
    "unknown": Phase.QUEUED,
    "attention": Phase.QUEUED,
    "running": Phase.RUNNING,
    "fetching": Phase.RUNNING,
    "succeeded": Phase.DONE,
    "failed": Phase.FAILED,
    "expired": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
}


def phase_of(word: str) -> Phase:
    """Our phase for the peer's state.

    Raises:
        UnknownStatus: the word is not documented.
    """
    try:
        return PHASES[word]
    except KeyError:
        raise UnknownStatus(f"the peer sent state {word!r}") from None
