"""Is a peer's result read only where it means what we take it to mean?"""

from __future__ import annotations

import json

import pytest

from backends.errors import Busy, UnknownStatus, Unreadable
from backends.outcome_check import documented
from backends.peer.results import outcome_of
from broker.domain.program import Paradigm
from broker.domain.requirement import Register
from broker.domain.result import Outcomes, Result, seal

JOB = {
    "shots": 100,
    "points": 1,
    "cost": {"charged": "2.5", "currency": "KRW"},
    "latency": {"run_s": 0.25},
    "timeline": [
        {"state": "running", "at": "2026-11-20T09:00:01Z"},
        {"state": "fetching", "at": "2026-11-20T09:00:02.500000Z"},
    ],
}


def text_of(**changes):
    result = Result(
        kind=Paradigm.GATE,
        points=(Outcomes(counts={"100": 60, "000": 40}),),
        shots_asked=100,
        registers=(Register(name="a", size=1, offset=0), Register(name="b", size=2, offset=1)),
        device="local/aer",
        sandbox=False,
        compiled="compiled",
        software={"qiskit": "2"},
        engine="aer",
        warnings=("careful",),
    )
    document = result.document() | {name: value for name, value in changes.items() if name != "sha256"}
    return json.dumps(document | {"sha256": changes.get("sha256", seal(document)[1])})


def test_a_document_becomes_an_outcome_with_everything_in_it():
    text = text_of()
    outcome = outcome_of(JOB, text, None)
    assert dict(outcome.points[0].counts) == {"100": 60, "000": 40}
    assert (outcome.engine, outcome.compiled, outcome.warnings) == ("aer", "compiled", ("careful",))
    assert outcome.raw == text
    assert outcome.run_ended_at - outcome.run_started_at == 1.5
    assert (outcome.usage.shots, outcome.usage.run_ms) == (100, 250)


BACKWARDS = {
    "another schema": {"schema_version": "2.0"},
    "another bit order": {"bit_order": "qiskit's"},
    "another kind": {"kind": "annealing"},
    "a gap between registers": {"registers": [{"name": "a", "size": 2, "offset": 1}]},
    "registers that do not fill the keys": {"registers": [{"name": "a", "size": 2, "offset": 0}]},
}


@pytest.mark.parametrize("name", BACKWARDS)
def test_counts_that_could_be_read_backwards_are_refused(name):
    with pytest.raises(UnknownStatus):
        outcome_of(JOB, text_of(**BACKWARDS[name]), None)


LIES = {
    "a negative count": {"points": [{"bindings": {}, "counts": {"100": -1}}]},
    "half a count": {"points": [{"bindings": {}, "counts": {"100": 0.5}}]},
    "a key that is HTML": {"points": [{"bindings": {}, "counts": {"<b>": 1}}]},
    "another number of points": {"points": []},
    "counts that are none": {"points": [{"bindings": {}, "counts": None}]},
    "a binding that is none": {"points": [{"bindings": {"a": "x"}, "counts": {}}]},
    "registers that are none": {"registers": None},
    "shots that are none": {"shots": None},
}


@pytest.mark.parametrize("name", LIES)
def test_a3_a_peer_that_lies_in_its_own_seal_gives_a_typed_fault(name):
    with pytest.raises((Unreadable, UnknownStatus)), documented("the peer"):
        outcome_of(JOB, text_of(**LIES[name]), None)


def test_a3_texts_of_a_peer_are_bounded_and_can_be_stored():
    told = {"engine": "e\x00" * 999, "warnings": ["w" * 9999] * 2000, "software": {f"p{n}": "1" for n in range(99)}}
    got = outcome_of(JOB, text_of(**told), None)
    assert (len(got.engine), len(got.warnings), len(got.warnings[0]), len(got.software)) == (200, 1000, 2000, 50)
    assert "\x00" not in got.engine


def test_a_later_minor_version_is_read():
    assert outcome_of(JOB, text_of(schema_version="1.7"), None).points


def test_a_document_that_is_not_what_it_was_is_asked_for_again():
    with pytest.raises(Busy, match="hash"):
        outcome_of(JOB, text_of(sha256="0" * 64), None)
