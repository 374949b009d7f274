"""Are exactly the listed moves possible, from every state to every state?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.domain.errors import IllegalTransition
from broker.domain.lifecycle import AT_VENDOR, LIVE, NEXT, TERMINAL, JobState, advance
from tests.support.jobs import job

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
# Written out once more, so that a change of the table must be meant (docs/lifecycle.md).
LEGAL = {
    "accepted": "queued failed cancelled",
    "queued": "submitting expired failed cancelled",
    "submitting": "submitted queued unknown failed cancelled expired",
    "unknown": "submitted queued attention failed cancelled expired",
    "attention": "submitted failed cancelled expired",
    "submitted": "running fetching queued failed cancelled",
    "running": "fetching queued failed cancelled",
    "fetching": "succeeded queued failed cancelled",
    "succeeded": "",
    "failed": "",
    "cancelled": "",
    "expired": "",
}
MOVES = [(before, after) for before in JobState for after in JobState]


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_a_move_is_possible_if_it_is_listed_and_only_then(before, after):
    at_rest = job(state=before)
    if after.value in LEGAL[before.value].split():
        moved, event = advance(at_rest, after, at=AT, reason="because")
        assert moved == replace(at_rest, state=after, updated_at=AT)
        assert (event.before, event.after, event.at, event.reason) == (before, after, AT, "because")
    else:
        with pytest.raises(IllegalTransition):
            advance(at_rest, after, at=AT)


def test_every_state_is_in_the_table_and_is_live_or_over():
    assert set(NEXT) == set(JobState) == LIVE | TERMINAL
    assert not LIVE & TERMINAL
    assert AT_VENDOR < LIVE


def test_nothing_leaves_an_end():
    assert all(not NEXT[state] for state in TERMINAL)


def test_every_live_state_can_fail_and_be_cancelled():
    assert all({JobState.FAILED, JobState.CANCELLED} <= NEXT[state] for state in LIVE)


def test_every_state_can_be_reached_from_the_first():
    reached, new = set(), {JobState.ACCEPTED}
    while new:
        reached |= new
        new = {after for state in new for after in NEXT[state]} - reached
    assert reached == set(JobState)
