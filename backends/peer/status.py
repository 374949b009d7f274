"""What do a peer's job states mean here? A word that is not here is refused: guessing a state guesses a bill."""

from __future__ import annotations

from backends.base import Phase
from backends.status_words import StatusWords

WORDS = StatusWords(
    "the peer",
    {
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
    },
)
phase_of = WORDS.phase_of
