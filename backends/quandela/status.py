"""What do Quandela's status words mean? A word that is not here is refused: guessing a state guesses a bill."""

from __future__ import annotations

from backends.base import Phase
from backends.status_words import StatusWords

WORDS = StatusWords(
    "quandela",
    {
        "waiting": Phase.QUEUED,
        "running": Phase.RUNNING,
        # It has begun and may be billed; "queued" would take a running job backwards.
        "suspended": Phase.RUNNING,
        # The vendor has not agreed yet: the job may still complete and be billed.
        "cancel_requested": Phase.RUNNING,
        "completed": Phase.DONE,
        "error": Phase.FAILED,
        "canceled": Phase.CANCELLED,
    },
)
phase_of = WORDS.phase_of
