"""Does a job come back right, whatever the format, the database and the queue?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qsubmit.errors import QsubmitError
from tests.support.hub import ENDED, wait_all

SEEDS = Path("seeds/programs")
FORMATS = {
    "bell.qasm": ("openqasm2", {"00", "11"}),
    "bell3.qasm": ("openqasm3", {"00", "11"}),
    "ghz20.qasm": ("openqasm2", {"0" * 20, "1" * 20}),
    "qft8.qasm": ("openqasm2", None),
    "clifford50.qasm": ("openqasm2", None),
    "rabi.pulser.json": ("pulser", None),
    "hom.perceval.json": ("perceval", {"|2,0>", "|0,2>"}),
    "rydberg.ahs.json": ("ahs", None),
}
BELL = (SEEDS / "bell.qasm").read_text()


def run(hub, name, *options, **environ):
    command = [sys.executable, "-m", "qsubmit", "run", str(SEEDS / name), "--json", *options]
    known = os.environ | {"QSUBMIT_URL": hub.url, "QSUBMIT_API_KEY": hub.key()} | environ
    return subprocess.run(command, env=known, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_runs_from_another_shell(hub, name):
    done = run(hub, name, "--shots", "500", "--seed", "7")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    job, result = answer["job"], answer["result"]
    _, expected = FORMATS[name]
    assert job["state"] == "succeeded"
    assert sum(result["counts"].values()) == 500 == result["shots"]["obtained"]
    assert expected is None or set(result["counts"]) == expected
    assert job["cost"]["currency"] == "KRW"
    assert float(job["cost"]["charged"]) <= float(job["cost"]["quoted"])
    assert job["cost"]["held"] == "0"
    assert [move["state"] for move in job["timeline"]][:2] == ["accepted", "queued"]
    assert job["timeline"][-1]["state"] == "succeeded"
    assert all(job["latency"][part] is not None for part in ("broker_queue_s", "vendor_queue_s", "run_s", "fetch_s"))
    assert result["schema_version"]
    assert result["bit_order"]


def test_the_same_key_and_body_is_one_job(hub):
    with hub.client() as client:
        first = client.submit(BELL, format="openqasm2", shots=10, idempotency_key="once")
        again = client.submit(BELL, format="openqasm2", shots=10, idempotency_key="once")
        assert again["id"] == first["id"]
        with pytest.raises(QsubmitError) as caught:
            client.submit(BELL, format="openqasm2", shots=11, idempotency_key="once")
        assert caught.value.code == "idempotency_mismatch"


def test_a_seed_makes_counts_reproducible(hub):
    with hub.client() as client:
        ids = [client.submit(BELL, format="openqasm2", shots=1000, seed=5, device="local/aer")["id"] for _ in "ab"]
        wait_all(client, ids)
        assert client.result(ids[0])["counts"] == client.result(ids[1])["counts"]


def test_a_sweep_is_one_job_with_a_result_per_point(hub):
    source = (SEEDS / "sweep3.qasm").read_text()
    points = json.loads((SEEDS / "sweep3.points.json").read_text())
    with hub.client() as client:
        job = client.submit(source, format="openqasm3", shots=200, points=points)["id"]
        assert wait_all(client, [job])[job]["state"] == "succeeded"
        found = client.result(job)["points"]
    assert [point["bindings"] for point in found] == points
    assert all(point["shots"] == 200 for point in found)


def test_registers_keep_their_names_and_bit_order(hub):
    source = (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg a[1];\ncreg b[2];\nx q[0];\n'
        "measure q[0]->a[0];\nmeasure q[1]->b[0];\nmeasure q[2]->b[1];\n"
    )
    with hub.client() as client:
        for device in ("local/aer", "local/auto", "local/qsim"):
            job = client.submit(source, format="openqasm2", shots=50, device=device)["id"]
            wait_all(client, [job])
            result = client.result(job)
            assert result["counts"] == {"100": 50}, device
            assert [register["name"] for register in result["registers"]] == ["a", "b"]


def test_a_cancelled_job_returns_its_hold(hub):
    slow = (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[25];\ncreg c[25];\n'
        + "".join(
            f"h q[{i}];\nrx(0.{i + 1}) q[{i}];\ncx q[{i}],q[{(7 * i + 3) % 25}];\n"
            for i in range(25)
            if (7 * i + 3) % 25 != i
        )
        * 6
        + "measure q->c;\n"
    )
    with hub.client() as client:
        job = client.submit(slow, format="openqasm2", shots=100, device="local/aer")["id"]
        client.cancel(job)
        ended = wait_all(client, [job])[job]
    assert ended["state"] in {"cancelled", "succeeded"}
    assert ended["cost"]["held"] == "0"


def until_the_end(events):
    seen = []
    for event in events:
        seen.append(event)
        if event["state"] in ENDED:
            return seen
    return seen


def test_every_choice_is_explained(hub):
    with hub.client() as client:
        job = client.submit(BELL, format="openqasm2", shots=10)["id"]
        decision = client.decision(job)
        names = {device["name"] for device in client.devices()}
    assert decision["choice"] in {offer["device"] for offer in decision["offers"]}
    assert {row["device"] for row in (*decision["offers"], *decision["refusals"])} == names
    assert all(refusal["reason"] for refusal in decision["refusals"])


def test_the_stream_resumes_where_it_stopped(hub):
    with hub.client() as client:
        job = client.submit(BELL, format="openqasm2", shots=10)["id"]
        wait_all(client, [job])
        whole = until_the_end(client.events(job))
        rest = until_the_end(client.events(job, after=whole[1]["id"]))
    assert [event["state"] for event in whole][-1] == "succeeded"
    assert rest == whole[2:]


def test_without_redis_the_scans_keep_the_service_working(silent_hub):
    with silent_hub.client() as client:
        ids = [client.submit(BELL, format="openqasm2", shots=10)["id"] for _ in range(20)]
        ended = wait_all(client, ids)
    assert {job["state"] for job in ended.values()} == {"succeeded"}


def test_a_restart_goes_on_where_it_was_killed(hub):
    with hub.client() as client:
        ids = [client.submit(BELL, format="openqasm2", shots=10)["id"] for _ in range(30)]
    hub.kill()
    hub.start()
    with hub.client() as client:
        ended = wait_all(client, ids)
    assert {job["state"] for job in ended.values()} == {"succeeded"}
