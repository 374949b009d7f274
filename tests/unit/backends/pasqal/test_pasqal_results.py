"""Do the vendor's result documents become the normal form?"""

from __future__ import annotations

import json

import pytest

from backends.errors import BackendError, Unreadable
from backends.pasqal.results import BatchRecord, JobRecord, counts_of, outcome_of, usage_of


def job(name="1", word="DONE", **changes):
    values = {
        "id": name,
        "word": word,
        "runs": 10,
        "started": "2026-11-20T10:00:00.000000+00:00",
        "ended": "2026-11-20T10:00:02.500000+00:00",
    }
    return JobRecord(**{**values, **changes})


def batch(*jobs, word="DONE"):
    sequence = json.dumps({"pulser_version": "1.9.1"})
    return BatchRecord(id="b", word=word, device_type="EMU_SV", sequence=sequence, jobs=jobs)


def test_counts_keep_the_order_of_the_atoms():
    assert counts_of({"counter": {"100": 7, "001": 3}}) == {"001": 3, "100": 7}


def test_counts_that_are_nought_do_not_show():
    assert counts_of({"counter": {"0": 5, "1": 0}}) == {"0": 5}


def test_serialised_results_stand_in_for_a_missing_counter():
    text = json.dumps({"tagmap": {"bitstrings": "u"}, "results": {"u": [{"0": 1}, {"01": 4}]}})
    assert counts_of({"counter": None, "serialised_results": text}) == {"01": 4}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"counter": []},
        {"counter": {"0a": 1}},
        {"counter": {"01": -1}},
        {"counter": {"01": 1.5}},
        {"counter": {"01": True}},
        {"counter": {"01": 1, "1": 1}},
        {"serialised_results": "{"},
        {"serialised_results": '{"tagmap": {}, "results": {}}'},
        {"serialised_results": "[" * 100_000},
    ],
)
def test_what_is_no_histogram_is_refused(document):
    with pytest.raises(BackendError):
        counts_of(document)


def test_points_stand_in_order_with_their_bindings():
    jobs = (job("1", variables={"t": 16, "a": [1.0, 2.0]}), job("2", variables={"t": 20, "a": [3.0, 4.0]}))
    documents = {"2": {"counter": {"1": 10}}, "1": {"counter": {"0": 10}}}
    outcome = outcome_of(batch(*jobs), documents, sandbox=False)
    assert [point.counts for point in outcome.points] == [{"0": 10}, {"1": 10}]
    assert outcome.points[1].bindings == {"t": 20.0, "a[0]": 3.0, "a[1]": 4.0}
    assert (outcome.usage.tasks, outcome.usage.shots, outcome.usage.run_ms) == (1, 20, 5000)
    assert outcome.run_ended_at - outcome.run_started_at == pytest.approx(2.5)
    assert outcome.engine == "EMU_SV"
    assert outcome.software == {"pulser": "1.9.1"}
    assert not outcome.warnings


def test_a_failed_point_has_no_counts_and_costs_nothing():
    jobs = (job("1"), job("2", "ERROR", errors=("too hot",)))
    outcome = outcome_of(batch(*jobs), {"1": {"counter": {"0": 10}}}, sandbox=True)
    assert [dict(point.counts) for point in outcome.points] == [{"0": 10}, {}]
    assert outcome.usage.shots == 10
    assert outcome.warnings == ("point 1 is ERROR: too hot",)
    assert "QuTiP" in outcome.engine


def test_missing_shots_are_told():
    outcome = outcome_of(batch(job()), {"1": {"counter": {"0": 9}}}, sandbox=False)
    assert outcome.warnings == ("point 0: 9 of 10 shots",)


def test_the_same_body_gives_the_same_outcome():
    documents = {"1": {"counter": {"1": 4, "0": 6}}}
    assert outcome_of(batch(job()), documents, sandbox=True) == outcome_of(batch(job()), documents, sandbox=True)


@pytest.mark.parametrize("times", [{"started": None}, {"ended": "later"}, {"ended": "2026-11-20T09:00:00"}])
def test_a7_times_that_are_no_times_are_a_fault_and_no_bill_of_zero(times):
    with pytest.raises(Unreadable):
        usage_of(batch(job(), job(**times)))


def test_a_time_without_a_zone_is_utc():
    naive = job(started="2026-11-20T10:00:00", ended="2026-11-20T10:00:01")
    assert usage_of(batch(naive)).run_ms == 1000
