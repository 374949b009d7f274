"""What do Braket's status words mean in ours? A table; a word that is not in it is refused."""

from __future__ import annotations

from backends.base import Phase
from backends.errors import UnknownStatus

# CANCELLING is not yet CANCELLED: a task that is being cancelled may still complete, and then it is billed.
_PHASE = {
    "CREATED": Phase.QUEUED,
    "QUEUED": Phase.QUEUED,
    "RUNNING": Phase.RUNNING,
    "CANCELLING": Phase.RUNNING,
    "COMPLETED": Phase.DONE,
    "FAILED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
}


def phase_of(word: str) -> Phase:
    """Our phase for the vendor's word."""
    try:
        return _PHASE[word]
    except KeyError:
        raise UnknownStatus(f"braket sent status {word!r}") from None
