"""Does every job that lives have a scanner that looks at it, and none that has ended?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.domain.lifecycle import LIVE, STAGE, TERMINAL, JobState
from broker.store import due
from broker.store.jobs import _SAVED
from broker.store.rows import moving_columns
from tests.support.jobs import job
from tests.support.routing_world import GATE, simulator

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HERE = {"id": "it", "backend": "local", "device": "local/aer", "due_at": NOW}


def selected(work):
    """Ids that one look of a worker takes."""
    after_it_was_sent = work.jobs.due(["local"], NOW, 10)
    first = [waiting.job for device in work.jobs.queued_devices(["local"], NOW) for waiting in heads(work, device)]
    return {each.id for each in (*after_it_was_sent, *work.jobs.take(first, NOW))}


def heads(work, device):
    return work.jobs.first_in_line(device, NOW)


@pytest.mark.parametrize("state", JobState)
def test_a_scanner_selects_a_job_exactly_while_it_lives(store, state):
    with store.write() as work:
        work.catalogue.put_devices("local", "rerun", [simulator("local/aer", GATE, width=30)], NOW)
        work.jobs.add([replace(job(**HERE), state=state, due_at=None if state in TERMINAL else NOW)])
    with store.write() as work:
        assert selected(work) == ({"it"} if state in LIVE else set())
        assert (work.jobs.next_due(["local"]) == NOW) is (state in LIVE)


def test_a_job_waits_or_is_scanned_and_never_both():
    assert {due.WAITING, *due.SCANNED} == {state.value for state in LIVE}
    assert due.WAITING not in due.SCANNED


def test_every_state_that_lives_has_a_stage_and_no_other():
    assert STAGE.keys() == LIVE


def test_a_save_writes_every_column_that_a_driver_moves():
    assert {*_SAVED, "due_at"} == set(moving_columns(job()))
    assert len(_SAVED) == len(set(_SAVED))
