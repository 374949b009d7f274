"""What do Braket's status words mean in ours? A table; a word that is not in it is refused."""

from __future__ import annotations

from backends.base import Phase
from backends.status_words import StatusWords

# CANCELLING is not yet CANCELLED: a task that is being cancelled may still complete, and then it is billed.
WORDS = StatusWords(
    "braket",
    {
        "CREATED": Phase.QUEUED,
        "QUEUED": Phase.QUEUED,
        "RUNNING": Phase.RUNNING,
        "CANCELLING": Phase.RUNNING,
        "COMPLETED": Phase.DONE,
        "FAILED": Phase.FAILED,
        "CANCELLED": Phase.CANCELLED,
    },
)
phase_of = WORDS.phase_of
