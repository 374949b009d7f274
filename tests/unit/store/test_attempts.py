"""Is every try remembered, and every witness of a paid vendor job?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.domain.attempt import GIVEN_UP, Attempt, AttemptEnd
from tests.support.jobs import job

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def attempt(number=1, owner="job-1", **values):
    known = {"id": f"{owner}-{number}", "job": owner, "number": number, "device": "braket/garnet", "backend": "braket",
             "token": f"qsub-{owner}-{number}", "intent_at": NOW, "fence": 1}  # fmt: skip
    return Attempt(**(known | values))


@pytest.fixture
def begun(store):
    """A store with two jobs and an attempt of the first."""
    with store.write() as work:
        work.jobs.add([job(id="job-1"), job(id="job-2")])
        work.attempts.add([attempt()])
    return store


def of(store, owner="job-1"):
    with store.read() as work:
        return work.attempts.of(owner)


def test_an_intent_is_read_back_equal(begun):
    assert of(begun) == [attempt()]


def test_what_is_learned_is_saved_and_the_intent_stays(begun):
    learned = attempt(remote_id="r", word="QUEUED", queue_position=3, absences=1, absent_at=NOW, detail="d")
    with begun.write() as work:
        work.attempts.save([replace(learned, token="another", fence=9)])
    assert of(begun) == [learned]


def test_a_late_witness_is_kept_where_nothing_was_known(begun):
    with begun.write() as work:
        work.attempts.witness([attempt(remote_id="late")])
    assert of(begun)[0].remote_id == "late"


def test_a_late_witness_does_not_overwrite_what_is_known(begun):
    with begun.write() as work:
        work.attempts.save([attempt(remote_id="first")])
        work.attempts.witness([attempt(remote_id="late")])
    assert of(begun)[0].remote_id == "first"


def test_the_latest_attempt_of_each_job(begun):
    with begun.write() as work:
        work.attempts.add([attempt(2), attempt(owner="job-2")])
    with begun.read() as work:
        assert work.attempts.latest(["job-1", "job-2", "job-3"]) == {
            "job-1": attempt(2),
            "job-2": attempt(owner="job-2"),
        }
        assert work.attempts.latest([]) == {}


@pytest.mark.parametrize("end", [None, *AttemptEnd])
def test_a_vendor_job_is_known_while_an_attempt_answers_for_it(begun, end):
    with begun.write() as work:
        work.attempts.save([attempt(remote_id="r", end=end)])
    with begun.read() as work:
        assert work.attempts.known("braket", ["r", "other"]) == (set() if end in GIVEN_UP else {"r"})
        assert work.attempts.disowned("braket") == ({"r": attempt().device} if end in GIVEN_UP else {})
        assert work.attempts.known("pasqal", ["r"]) == set()


def test_an_attempt_is_unresolved_until_its_id_or_its_end_is_known(begun):
    with begun.write() as work:
        work.attempts.add([attempt(2), attempt(3), attempt(4)])
        work.attempts.save([attempt(2, remote_id="r"), attempt(3, end=AttemptEnd.UNSENT)])
    with begun.read() as work:
        assert {each.number for each in work.attempts.unresolved("braket")} == {1, 4}
