"""Does Quandela's sandbox keep the vendor's rules, its ids over a kill, and its own books?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from backends.base import Phase
from backends.quandela.adapter import backend
from backends.quandela.sandbox.serve import ServedSandbox
from backends.quandela.wire.routes import MAX_BODY_BYTES
from broker.domain.price import charge
from tests.support import quandela_programs as programs

ABSENT = "00000000-0000-4000-8000-000000000000"


class Client:
    """A plain HTTP client with a token, as anybody could write."""

    def __init__(self, url, token="one"):
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path):
        return requests.get(self.url + path, headers=self.headers, timeout=5)

    def post(self, path, body=None):
        return requests.post(self.url + path, headers=self.headers, json=body, timeout=5)

    def create(self, platform="sim:slos", name="n", work=None, **more):
        work = {"command": "sample_count", "max_shots": 10, **(work or {})}
        return self.post("/api/jobs", {"platform_name": platform, "job_name": name, "payload": work, **more})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    one = ServedSandbox(tmp_path_factory.mktemp("quandela"))
    yield one
    one.close()


@pytest.fixture
def knobs(served):
    served.sandbox.knobs.turn(queue_delay=60)
    yield served.sandbox.knobs
    requests.post(served.url + "/_sandbox/reset", timeout=5)


@pytest.fixture
def client(served, knobs):
    return Client(served.url)


@pytest.mark.parametrize(
    ("work", "more", "status", "said"),
    [
        ({"max_shots": 0}, {}, 400, "Invalid max_shots, should be a positive number"),
        ({"max_shots": True}, {}, 400, "Invalid max_shots, should be a positive number"),
        ({"max_shots": 10**9}, {}, 400, "Max shots must less than or equal to 10000000"),
        ({"command": "tomography"}, {}, 400, "Command 'tomography' is not available on platform 'sim:slos'"),
        ({"iterator": []}, {}, 400, "Invalid iterator: must be a non-empty list"),
        ({}, {"max_duration": 0}, 400, "Max duration must not be zero"),
        ({}, {"max_duration": 900_000}, 400, "Max duration too large, exceeding 864000"),
        ({}, {"max_duration": 5000}, 400, "Max_duration 5000(s) exceeds the platform limit of 3600(s)"),
        ({}, {"platform": "sim:nowhere"}, 404, "Platform not found"),
        ({}, {"platform": ""}, 400, "Require platform_id or platform_name"),
    ],
)
def test_a_create_outside_the_rules_gets_the_published_sentence(client, work, more, status, said):
    answer = client.create(work=work, **more)
    assert (answer.status_code, answer.json()["error"]) == (status, said)


def test_a_missing_field_is_named(client):
    answer = client.post("/api/jobs", {"platform_name": "sim:slos", "payload": {}})
    assert answer.status_code == 422
    assert "job_name" in answer.json()["detail"]["json"]


def test_a_body_that_is_too_long_is_refused(client):
    assert client.create(work={"x": "y" * MAX_BODY_BYTES}).status_code == 400


def test_old_and_new_routes_see_the_same_job(client):
    job_id = client.post("/api/job", {
        "platform_name": "sim:slos", "job_name": "n", "payload": {"command": "probs", "max_shots": 1}
    }).json()["job_id"]  # fmt: skip
    assert client.get(f"/api/job/status/{job_id}").json() == client.get(f"/api/jobs/{job_id}/status").json()
    assert client.post(f"/api/job/cancel/{job_id}").status_code == 200
    assert client.get(f"/api/jobs/{job_id}/status").json()["status"] == "canceled"


def test_a_job_is_its_owner_s_alone(client, served):
    job_id = client.create().json()["job_id"]
    other = Client(served.url, "two")
    assert other.get(f"/api/jobs/{job_id}/status").status_code == 403
    assert other.post(f"/api/jobs/{job_id}/cancel").status_code == 403


def test_no_bearer_is_unauthorized(served, knobs):
    answer = requests.get(served.url + "/api/jobs/availability", timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (401, "Invalid or expired job token")


def test_the_store_holds_no_token(client, served):
    secret = Client(served.url, "very-secret-token")
    secret.create()
    assert b"very-secret-token" not in b"".join(
        path.read_bytes() for path in served.sandbox.data.iterdir() if path.is_file()
    )


def test_room_in_the_queue_is_counted(client):
    client.create()
    room = client.get("/api/jobs/availability").json()
    assert (room["num_jobs_in_queue"], room["max_jobs_in_queue"]) == (1, 200)


def test_a_job_that_has_ended_is_not_cancelled_and_only_then_run_again(client, served):
    job_id = client.create().json()["job_id"]
    assert client.post(f"/api/jobs/{job_id}/rerun").status_code == 400
    assert client.post(f"/api/jobs/{job_id}/cancel").status_code == 200
    assert client.post(f"/api/jobs/{job_id}/cancel").status_code == 400
    again = client.post(f"/api/jobs/{job_id}/rerun").json()["job_id"]
    assert client.get(f"/api/jobs/{again}/data").json()["rerun_from"] == job_id
    notes = [entry.note for entry in served.sandbox.ledger.entries("create")]
    assert notes == ["", f"rerun of {job_id}"]


def test_an_unknown_job_is_not_found(client):
    assert client.get(f"/api/jobs/{ABSENT}/status").status_code == 404
    assert client.get("/api/jobs/x/status").status_code == 400
    assert client.get("/api/jobs/x/data").status_code == 404


@pytest.mark.parametrize(
    ("turn", "status", "said"),
    [
        ({"offline": ["sim:slos"]}, 400, "Create job disabled, Platform in maintenance status"),
        ({"retired": ["sim:slos"]}, 400, "Create job disabled, Platform in retired status"),
        ({"insufficient_credit": True}, 401, "Not enough credits"),
    ],
)
def test_a_knob_speaks_the_vendor_s_words(client, knobs, turn, status, said):
    knobs.turn(**turn)
    answer = client.create()
    assert (answer.status_code, answer.json()["error"]) == (status, said)


def test_a_late_create_lands_after_the_connection_is_gone(client, served, knobs):
    knobs.turn(faults=[{"trouble": "late", "on": "create", "seconds": 0.2}])
    with pytest.raises(requests.ConnectionError):
        client.create(name="qsub-late shots=10")
    assert served.sandbox.ledger.entries("create") == []
    time.sleep(0.5)
    assert [entry.token for entry in served.sandbox.ledger.entries("create")] == ["qsub-late"]


def test_a_completed_job_is_charged_what_its_result_reports(served, knobs, tmp_path):
    knobs.turn(queue_delay=0)
    adapter = backend(data=tmp_path, environ={"QSUBMIT_QUANDELA_SANDBOX_URL": served.url})
    (device,) = [device for device in adapter.devices() if device.name == "quandela/ascella"]
    assert device.price
    remote_id = adapter.submit(programs.order(programs.source(programs.ROTATION, "|1,0,1>"), on=device))
    outcome = adapter.fetch(until_done(adapter, remote_id))
    adapter.close()
    (charged,) = served.sandbox.ledger.entries("charge", programs.order().token)
    assert charged.micros == charge(device.price, outcome.usage).micros == 200_000 + 1000
    assert charged.currency == "QCR"
    report = Client(served.url, "sandbox").get("/api/tokens/usage/report").json()
    assert report[0]["usage"][0]["credits"] == pytest.approx(0.201)


def test_a_failed_or_cancelled_job_costs_nothing(served, knobs, client):
    first = client.create().json()["job_id"]
    client.post(f"/api/jobs/{first}/cancel")
    knobs.turn(fail_next=1, queue_delay=0)
    second = client.create().json()["job_id"]
    until = time.monotonic() + 10
    while client.get(f"/api/jobs/{second}/status").json()["status"] != "error" and time.monotonic() < until:
        time.sleep(0.02)
    assert client.get(f"/api/jobs/{second}/status").json()["status_message"]
    assert served.sandbox.ledger.entries("charge") == []


def until_done(adapter, remote_id, patience_s=60):
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        phase = adapter.poll([remote_id])[remote_id].phase
        assert phase in (Phase.QUEUED, Phase.RUNNING, Phase.DONE)
        if phase is Phase.DONE:
            return remote_id
        time.sleep(0.02)
    raise AssertionError("it did not end")


def launched(data):
    command = [sys.executable, "-m", "backends.sandbox", "quandela", "--data", str(data), "--tethered"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    word, url = process.stdout.readline().split()
    assert word == "ready"
    return process, url


def closed(process, signal_number):
    os.kill(process.pid, signal_number)
    process.wait(timeout=20)
    process.stdin.close()
    process.stdout.close()


def test_ids_and_order_survive_a_kill(tmp_path):
    process, url = launched(tmp_path)
    requests.post(url + "/_sandbox/knobs", json={"queue_delay": 60}, timeout=5)
    work = {"command": "probs", "max_shots": 10}
    ids = [Client(url).create(work=work, name=f"n{n}").json()["job_id"] for n in range(3)]
    closed(process, signal.SIGKILL)
    process, url = launched(tmp_path)
    names = [Client(url).get(f"/api/jobs/{job_id}/data").json()["job_name"] for job_id in ids]
    creates = requests.get(url + "/_sandbox/ledger", timeout=5).json()["creates"]
    closed(process, signal.SIGTERM)
    assert names == ["n0", "n1", "n2"]
    assert [entry["task"] for entry in creates] == ids
