"""What do Pasqal's status words mean? A word that is not here is refused: guessing a state guesses a bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Phase
from backends.status_words import StatusWords

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = StatusWords(
    "pasqal",
    {
        "PENDING": Phase.QUEUED,
        "RUNNING": Phase.RUNNING,
        # It holds its place on the machine and may already cost; "queued" would take it backwards.
        "PAUSED": Phase.RUNNING,
        "DONE": Phase.DONE,
        "ERROR": Phase.FAILED,
        # An open batch that waited for its next job for too long.
        "TIMED_OUT": Phase.FAILED,
        "CANCELED": Phase.CANCELLED,
    },
)
phase_of = WORDS.phase_of


def phase_of_batch(word: str, jobs: Mapping[str, int]) -> Phase:
    """A batch's phase, given how many of its jobs bear each status word (``{}`` where the vendor does not say).

    A batch whose every job failed is no success even where the word is DONE, and one with some
    results can be fetched and must be paid even where the word is ERROR or TIMED_OUT.
    """
    phase = phase_of(word)
    count = {one: number for one, number in jobs.items() if number}
    if not count or phase not in (Phase.DONE, Phase.FAILED):
        return phase
    phases = {phase_of(one) for one in count}
    if phases & {Phase.QUEUED, Phase.RUNNING}:
        return phase
    if Phase.DONE in phases:
        return Phase.DONE
    return Phase.CANCELLED if phases == {Phase.CANCELLED} else Phase.FAILED
