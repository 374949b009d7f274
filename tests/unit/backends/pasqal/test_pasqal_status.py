"""Does every word of the vendor have its phase, and no other word one?"""

from __future__ import annotations

import inspect

import pytest

from backends.base import Phase
from backends.errors import UnknownStatus
from backends.pasqal.status import WORDS, phase_of, phase_of_batch


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "PAUSED", "DONE", "ERROR", "TIMED_OUT", "CANCELED"])
def test_each_documented_word_has_a_phase(word):
    assert phase_of(word) in Phase


def test_the_sdk_knows_no_word_that_the_table_lacks():
    from pasqal_cloud.batch import Batch
    from pasqal_cloud.utils.constants import BatchStatus, JobStatus
    from pulser.backend.remote import BatchStatus as PulserWords

    words = {one.name for kind in (BatchStatus, JobStatus, PulserWords) for one in kind}
    assert words <= set(WORDS.phases)
    assert all(word in inspect.getdoc(Batch) for word in WORDS.phases)


@pytest.mark.parametrize("word", ["", "done", "CANCELLED", "FINISHED"])
def test_another_word_is_refused(word):
    with pytest.raises(UnknownStatus, match=repr(word)):
        phase_of(word)


@pytest.mark.parametrize(
    ("word", "jobs", "phase"),
    [
        ("DONE", {}, Phase.DONE),
        ("DONE", {"DONE": 2}, Phase.DONE),
        ("DONE", {"DONE": 1, "ERROR": 1}, Phase.DONE),
        ("DONE", {"ERROR": 2}, Phase.FAILED),
        ("DONE", {"CANCELED": 2, "DONE": 0}, Phase.CANCELLED),
        ("ERROR", {"DONE": 1, "ERROR": 1}, Phase.DONE),
        ("ERROR", {"ERROR": 1}, Phase.FAILED),
        ("TIMED_OUT", {"DONE": 3}, Phase.DONE),
        ("TIMED_OUT", {}, Phase.FAILED),
        ("CANCELED", {"DONE": 1, "CANCELED": 1}, Phase.CANCELLED),
        ("RUNNING", {"DONE": 1, "PENDING": 1}, Phase.RUNNING),
        ("PENDING", {"PENDING": 1}, Phase.QUEUED),
    ],
)
def test_a_batch_is_as_good_as_its_jobs(word, jobs, phase):
    assert phase_of_batch(word, jobs) is phase


def test_an_unknown_word_of_a_job_is_refused_too():
    with pytest.raises(UnknownStatus):
        phase_of_batch("DONE", {"VANISHED": 1})
