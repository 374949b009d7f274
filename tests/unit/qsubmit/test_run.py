"""Do run and submit send one job, follow it, and say how it ended?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.unit.qsubmit.fake_broker import Fault, problem
from tests.unit.qsubmit.fake_shapes import BELL, only_document


def test_run_shows_a_histogram_and_costs(qsubmit, bell):
    said = qsubmit("run", bell, "--shots", 1000)

    assert said.code == 0
    assert "succeeded local/auto" in said.out
    assert "12 KRW charged" in said.out
    assert "514   51.4 %" in said.out
    assert "index 0 of each leftmost" in said.out
    assert "quoted 14 KRW" in said.err


def test_run_json_is_one_document_of_job_and_result(qsubmit, bell):
    said = qsubmit("run", bell, "--json")

    document = only_document(said.out)
    assert document["job"]["state"] == "succeeded"
    assert document["result"]["counts"] == {"00": 514, "11": 486}


def test_run_sends_every_option(qsubmit, broker, tmp_path, bell):
    points = tmp_path / "points.csv"
    points.write_text("theta,phi\n0.1,1\n0.2,2\n")
    words = ["--format", "openqasm3", "--shots", 10, "--points", points, "--device", "local/aer", "--prefer", "best"]
    words += ["--max-cost", "1.25usd", "--deadline", "2027-01-01T00:00:00Z", "--min-success", "90%", "--name", "n"]
    words += ["--tag", "a", "--tag", "b", "--seed", 0, "--option", "verbatim=true", "--idempotency-key", "k"]

    qsubmit("run", *words, bell)

    (post,) = broker.posts()
    assert post["headers"]["Idempotency-Key"] == "k"
    assert post["body"] == {
        "program": {"format": "openqasm3", "source": BELL},
        "shots": 10,
        "points": [{"theta": 0.1, "phi": 1.0}, {"theta": 0.2, "phi": 2.0}],
        "device": "local/aer",
        "prefer": "best",
        "max_cost": {"amount": "1.25", "currency": "USD"},
        "deadline": "2027-01-01T00:00:00Z",
        "min_success": 0.9,
        "name": "n",
        "tags": ["a", "b"],
        "seed": 0,
        "options": {"verbatim": "true"},
    }


def test_a_program_is_read_from_standard_input(qsubmit, broker, monkeypatch, tmp_path):
    source = tmp_path / "source"
    source.write_text(BELL)
    with source.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        said = qsubmit("submit", "-")

    assert said.code == 0
    assert broker.posts()[0]["body"]["program"] == {"format": "openqasm2", "source": BELL}


def test_submit_prints_the_id_alone(qsubmit, broker, bell):
    broker.way = ()

    said = qsubmit("submit", bell)

    assert said.out.split() == list(broker.jobs)
    assert broker.paths() == []


def test_submit_retries_under_one_key_and_makes_one_job(qsubmit, broker, bell):
    broker.faults.extend([Fault(cut="after"), Fault(503, {"code": "not_ready"}), Fault(cut="before")])

    said = qsubmit("submit", bell)

    assert said.code == 0
    assert len({post["headers"]["Idempotency-Key"] for post in broker.posts()}) == 1
    assert len(broker.jobs) == 1


def test_a_submission_that_stays_unclear_says_how_to_ask_again(qsubmit, broker, bell):
    broker.faults.extend([Fault(cut="after")] * 6)

    said = qsubmit("submit", bell)

    key = broker.posts()[0]["headers"]["Idempotency-Key"]
    assert said.code == 8
    assert f"repeat safely with --idempotency-key {key}" in said.err


def test_submit_and_wait_ends_with_the_job(qsubmit, broker, bell):
    broker.way = ("queued", "failed")

    said = qsubmit("submit", bell, "--wait")

    assert said.code == 1


@pytest.mark.parametrize(("way", "code"), [(("queued", "cancelled"), 10), (("queued", "expired"), 10)])
def test_run_of_a_job_that_does_not_succeed(qsubmit, broker, bell, way, code):
    broker.way = way

    said = qsubmit("run", bell, "--json")

    assert said.code == code
    assert only_document(said.out)["result"] is None


def test_run_of_a_failed_job_says_why(qsubmit, broker, bell):
    broker.way = ("queued",)
    error = {"code": "program_too_big", "message": "needs 17 TB"}

    def fail(*words):
        job = next(iter(broker.jobs))
        broker.jobs[job]["error"] = error
        broker.move(job, "failed")
        return words

    job = qsubmit("submit", bell).out.strip()
    fail()
    said = qsubmit("watch", job)

    assert said.code == 1
    assert said.err.splitlines()[-1] == f"qsubmit: job {job} failed: needs 17 TB (program_too_big)"


def test_run_that_times_out_still_gives_the_job(qsubmit, broker, bell):
    broker.way = ("queued",)

    said = qsubmit("run", bell, "--timeout", "0.05s", "--json")

    assert said.code == 9
    assert only_document(said.out)["job"]["state"] == "queued"
    assert "the job goes on: qsubmit watch" in said.err


def test_progress_off_a_terminal_is_one_line_per_move(qsubmit, bell):
    said = qsubmit("run", bell)

    words = [line.split() for line in said.err.splitlines()]
    assert [line[2] for line in words[1:]] == [
        "accepted",
        "queued",
        "submitting",
        "submitted",
        "running",
        "fetching",
        "succeeded",
    ]
    assert "\x1b" not in said.err + said.out


def test_quiet_is_quiet(qsubmit, bell):
    assert qsubmit("run", bell, "--quiet").err == ""


def test_attention_is_said_while_waiting(qsubmit, broker, bell):
    broker.way = ("queued", "submitting", "unknown", "attention", "failed")

    said = qsubmit("run", bell)

    assert "needs an operator: `qsubmit doctor" in said.err


def test_ctrl_c_leaves_the_job_running_and_says_so(broker, bell):
    broker.way = ("queued",)
    command = [sys.executable, "-m", "qsubmit", "run", bell]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with broker.changed:
        broker.changed.wait_for(lambda: broker.jobs, timeout=20)
    until = time.monotonic() + 20
    while "/v1/events" not in broker.paths() and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=20)

    assert child.returncode == 130
    assert "the job goes on: qsubmit watch 0192f000" in err
    assert broker.jobs[next(iter(broker.jobs))]["state"] == "queued"


def test_a_located_program_error_shows_its_line(qsubmit, broker, bell):
    detail = {"line": 4, "column": 3, "hint": "did you mean h?"}
    broker.faults.append(Fault(*problem(422, "program_unknown_gate", "there is no gate 'q'", **detail)))

    said = qsubmit("submit", bell)

    assert said.code == 4
    first, source, caret = said.err.splitlines()
    place = "(program_unknown_gate; line 4, column 3; hint: did you mean h?)"
    assert first == f"qsubmit: there is no gate 'q' {place}"
    assert source == "    4 | h q[0]; cx q[0],q[1];"
    assert caret == "      |   ^"


def test_refusals_are_listed_below_the_error(qsubmit, broker, bell):
    refusals = [{"device": "pasqal/fresnel", "rule": "format", "reason": "does not accept openqasm2"}]
    broker.faults.append(Fault(*problem(409, "no_device", "no device can run it", refusals=refusals)))

    said = qsubmit("run", bell)

    assert said.code == 5
    assert "pasqal/fresnel: does not accept openqasm2 (format)" in said.err


def test_an_error_with_json_is_one_document_too(qsubmit, bell, monkeypatch):
    monkeypatch.setenv("QSUBMIT_API_KEY", "wrong")

    said = qsubmit("run", bell, "--json")

    assert said.code == 3
    error = only_document(said.out)["error"]
    assert (error["code"], error["exit_code"]) == ("unauthenticated", 3)
    assert said.err == "qsubmit: no such key (unauthenticated)\n"
