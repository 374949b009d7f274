"""Is every answer of a simulation held against its job, whatever the kind of the program?"""

from __future__ import annotations

import pytest

from backends.local.answer_check import Untrue, answers_of, software_of
from backends.local.book import Job
from backends.local.choose import Choice


def job(kind, *, bits=2, photons=0, shots=4, points=1, seed=None):
    choice = Choice(engine="x", method="y", reason="test", memory_bytes=1, seconds=1.0)
    return Job(owner=("", "", ""),
        id="1", token="t", device="local/auto", kind=kind, sha256="s", program={}, shots=shots, points=[{}] * points,
        seed=seed, choice=choice, bits=bits, photons=photons,
    )  # fmt: skip


def reply(*counts, **changes):
    answer = {"counts": list(counts), "seed": 1, "run_ms": 0.5, "cpu_ms": 0.4, "note": "", "warnings": []}
    return {"jobs": [answer | changes], "software": {"numpy": "2"}}


GOOD = [
    (job("gate"), {"00": 1, "11": 3}),
    (job("pulser"), {"01": 4}),
    (job("ahs"), {"01": 3}),
    (job("ahs"), {}),
    (job("perceval", photons=2), {"|2,0>": 1, "|1,1>": 3}),
    (job("perceval", bits=4, photons=4), {"|2,0>": 1}),
    (job("perceval", photons=1), {"|2,0>": 1}),
]


@pytest.mark.parametrize(("asked", "counts"), GOOD)
def test_what_a_simulation_gives_is_kept(asked, counts):
    (answer,) = answers_of(reply(counts), [asked])
    assert answer["counts"] == [counts]


LIES = [
    (job("gate"), {"00": 3}),
    (job("gate"), {}),
    (job("pulser"), {"000": 4}),
    (job("pulser"), {"0a": 4}),
    (job("ahs"), {"01": 5}),
    (job("ahs"), {"01": True}),
    (job("ahs"), {"01": 0}),
    (job("perceval", photons=2), {"|2,0,0>": 1}),
    (job("perceval", photons=2), {"|9,0>": 1}),
    (job("perceval", photons=2), {"|2,0>": 1, "|2>": 1}),
    (job("perceval", photons=2), {"|2,0": 1}),
    (job("perceval", photons=2), {"|" + "9" * 5000 + ",0>": 1}),
    (job("perceval", photons=2), {"\x00": 1}),
]


@pytest.mark.parametrize(("asked", "counts"), LIES)
def test_a3_counts_that_no_such_job_gives_are_a_lie(asked, counts):
    with pytest.raises(Untrue):
        answers_of(reply(counts), [asked])


def test_a3_only_what_is_known_is_kept_of_an_answer_and_each_part_is_bounded():
    told = reply({"00": 4}, note="n" * 9999, warnings=["\x00" * 9999] * 999, phase="done", points=[], device="qpu")
    (answer,) = answers_of(told, [job("gate")])
    assert set(answer) == {"counts", "seed", "run_ms", "cpu_ms", "note", "warnings"}
    assert (len(answer["note"]), len(answer["warnings"]), len(answer["warnings"][0])) == (500, 20, 500)
    assert "\x00" not in answer["warnings"][0]


@pytest.mark.parametrize("told", [None, [], {str(n): "1" for n in range(99)}])
def test_a3_software_is_a_short_table(told):
    with pytest.raises(Untrue):
        software_of({"software": told})
