"""Does a whole hub outlive every hostile program, and say of each what was wrong and where?"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.gateway import BELL
from tests.support.hostile.corpus import ADMITTED, DEVICE, EITHER, corpus
from tests.support.hub import ENDED, running, wait_all

AT_MOST = {EITHER: 20, ADMITTED: 100, DEVICE: 100}  # of each format; every other kind: OTHERS
OTHERS = 12
CLIENTS = 4
POOL = 2
HEAVY = 50_000  # characters of a legal program that a simulator chews on for long; the last test here sends those
BOUNDS = {"QSUBMIT_LOCAL_MEMORY_BYTES": str(2 << 30), "QSUBMIT_LOCAL_MAX_RUN_S": "10"}  # on every machine the same
SLOW = {"perceval: 50000 components"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running(
        tmp_path_factory.mktemp("hostile") / "data", "--no-sandbox", "--workers", str(POOL), environ=BOUNDS
    ) as started:
        yield started


def heavy(hostile):
    return hostile.name in SLOW or (hostile.expectation == ADMITTED and len(hostile.source) > HEAVY)


def chosen():
    """Some of every kind, in every format that has it."""
    taken = Counter()
    for hostile in corpus():
        kind = (hostile.expectation, hostile.format)
        if not heavy(hostile) and taken[kind] < AT_MOST.get(hostile.expectation, OTHERS):
            taken[kind] += 1
            yield hostile


def post(hub, hostile):
    """(name, expectation, status, answer) of one submission."""
    body = {
        "program": {"format": hostile.format.value, "source": hostile.source},
        "shots": 10,
        "name": hostile.name[:100],
    }
    headers = {"Authorization": f"Bearer {hub.key()}", "Content-Type": "application/json"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=120)) as connection:
        # Lone surrogates travel as JSON escapes, as a client in another language would send them.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused by its length before all was sent
            connection.request("POST", "/v1/jobs", body=json.dumps(body).encode("ascii"), headers=headers)
        answer = connection.getresponse()
        return hostile.name, hostile.expectation, answer.status, json.loads(answer.read())


def located(problem):
    return problem.get("line", 0) >= 1 and problem.get("column", 0) >= 1 if "line" in problem else "pointer" in problem


def good(hub):
    """A Bell pair comes back right, and the whole pool of workers is up."""
    with hub.client() as client:
        job = client.submit(BELL, format="openqasm2", shots=100)["id"]
        assert wait_all(client, [job])[job]["state"] == "succeeded"
        assert set(client.result(job)["counts"]) == {"00", "11"}
    deadline = time.monotonic() + 60
    while len(hub.pids("workers.listen")) < 1 + POOL:
        assert time.monotonic() < deadline, "the pool of workers is not up"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def survived(hub):
    """Every answer and every ended job, with the processes before and after."""
    good(hub)
    before = {name: sorted(hub.pids(name)) for name in ("broker.bootstrap", "workers.scan", "workers.listen")}
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda hostile: post(hub, hostile), chosen()))
    with hub.client() as client:
        ids = [answer["id"] for _, _, status, answer in answers if status == 202]
        jobs = wait_all(client, ids, timeout=200)
    after = {name: sorted(hub.pids(name)) for name in before}
    return answers, jobs, before, after


def test_at_least_four_hundred_of_every_kind_were_sent(survived):
    answers, *_ = survived
    kinds = defaultdict(int)
    for _, expectation, _, _ in answers:
        kinds[expectation] += 1
    assert len(answers) >= 400
    assert set(kinds) == {hostile.expectation for hostile in corpus()}


def test_no_answer_is_a_server_error(survived):
    answers, *_ = survived
    statuses = Counter(status for _, _, status, _ in answers)
    assert set(statuses) <= {202, 402, 409, 413, 422}, statuses


def test_every_refusal_of_a_program_says_where(survived):
    answers, *_ = survived
    lost = [(name, answer) for name, _, status, answer in answers if status == 422 and not located(answer)]
    assert lost == []


def test_what_is_no_program_is_never_admitted(survived):
    answers, *_ = survived
    wrong = [name for name, kind, status, _ in answers if kind.startswith("program_") and status not in {413, 422}]
    assert wrong == []


def test_every_admitted_job_ended_cleanly(survived):
    _, jobs, *_ = survived
    assert jobs
    for job in jobs.values():
        assert job["state"] in ENDED
        assert (job["error"] is None) is (job["state"] == "succeeded")
        assert job["cost"]["held"] == "0"


def test_a_program_of_forty_entangled_qubits_never_becomes_a_dense_state(survived, hub):
    answers, jobs, *_ = survived
    bombs = [(status, answer) for name, _, status, answer in answers if name.startswith("memory: 40 qubits")]
    assert bombs
    with hub.client() as client:
        for status, answer in bombs:
            if status == 409:
                assert all(refusal["reason"] for refusal in answer["refusals"])
            elif jobs[answer["id"]]["state"] == "failed":
                assert "memory" in jobs[answer["id"]]["error"]["message"]
            else:
                assert "statevector" not in client.result(answer["id"])["engine"]


def test_the_processes_are_the_same_as_before(survived):
    *_, before, after = survived
    assert all(before.values())
    assert before == after


def test_a_good_job_still_runs(survived, hub):
    good(hub)


@pytest.mark.long
def test_what_a_simulator_chews_on_for_long_ends_as_well(survived, hub):
    *_, before, _ = survived
    answers = [post(hub, hostile) for hostile in corpus() if heavy(hostile)]
    assert {status for _, _, status, _ in answers} <= {202, 409, 413, 422}
    with hub.client() as client:
        wait_all(client, [answer["id"] for _, _, status, answer in answers if status == 202], timeout=900)
    assert before == {name: sorted(hub.pids(name)) for name in before}
