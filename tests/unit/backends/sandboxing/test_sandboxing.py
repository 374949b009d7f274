"""Do tasks survive, run in order and get charged once? Do faults do what they say on a real socket?"""

from __future__ import annotations

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from backends.sandboxing.admin import admin_routes
from backends.sandboxing.database import Database
from backends.sandboxing.faults import Faults
from backends.sandboxing.knobs import Fault, Knobs, Trouble
from backends.sandboxing.ledger import Entry, Ledger
from backends.sandboxing.runner import Finished, RunFailed, Runner
from backends.sandboxing.serving import Served
from backends.sandboxing.tasks import LIVE, State, Task, Tasks


def charge(task: Task) -> Entry | None:
    if task.state is not State.DONE:
        return None
    return Entry(kind="charge", task=task.id, token=task.token, device=task.device, shots=task.shots, micros=7)


def store(tmp_path) -> tuple[Tasks, Ledger]:
    database = Database(tmp_path / "sandbox.sqlite")
    ledger = Ledger(database)
    return Tasks(database, ledger, charge), ledger


def a_task(name: str, device: str = "dev") -> Task:
    return Task(id=name, device=device, token=f"tok-{name}", shots=3, request={"a": 1}, notes={})


def a_create(task: Task) -> Entry:
    return Entry(kind="create", task=task.id, token=task.token, device=task.device, shots=task.shots)


def until(true, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.005)


def test_a_task_its_create_and_its_charge_survive_reopening(tmp_path):
    tasks, _ = store(tmp_path)
    tasks.accept([a_task("a")], [a_create(a_task("a"))])
    tasks.move("a", State.RUNNING, of=(State.QUEUED,))
    tasks.move("a", State.DONE, of=(State.RUNNING,), result="{}", run_ms=4)
    again, book = store(tmp_path)
    assert again.get("a").state is State.DONE
    assert [entry.kind for entry in book.entries()] == ["create", "charge"]


def test_a_move_out_of_another_state_changes_nothing(tmp_path):
    tasks, ledger = store(tmp_path)
    tasks.accept([a_task("a")], [])
    tasks.move("a", State.CANCELLED, of=LIVE)
    assert tasks.move("a", State.DONE, of=(State.RUNNING,)) is None
    assert ledger.entries("charge") == []


def test_the_create_and_its_task_commit_together(tmp_path):
    tasks, ledger = store(tmp_path)
    tasks.accept([a_task("a")], [a_create(a_task("a"))])
    with pytest.raises(Exception, match="UNIQUE"):
        tasks.accept([a_task("b"), a_task("a")], [a_create(a_task("b"))])
    assert tasks.get("b") is None
    assert len(ledger.entries()) == 1


def test_tasks_of_a_device_run_one_at_a_time_in_order_after_a_restart(tmp_path):
    tasks, _ = store(tmp_path)
    tasks.accept([a_task(name) for name in "abc"], [])
    tasks.move("a", State.RUNNING, of=(State.QUEUED,))
    order: list[str] = []

    def run(task: Task) -> Finished:
        order.append(task.id)
        return Finished(result="{}", run_ms=1)

    runner = Runner(tasks, Knobs(), run)
    runner.start()
    until(lambda: len(tasks.in_state(State.DONE)) == 3)
    runner.stop()
    assert order == ["a", "b", "c"]


def test_a_failing_run_fails_its_task_and_costs_what_the_vendor_says(tmp_path):
    tasks, ledger = store(tmp_path)
    tasks.accept([a_task("a"), a_task("b")], [])

    def run(task: Task) -> Finished:
        raise RunFailed("no such gate")

    knobs = Knobs()
    knobs.turn(fail_next=1)
    runner = Runner(tasks, knobs, run)
    runner.start()
    until(lambda: len(tasks.in_state(State.FAILED)) == 2)
    runner.stop()
    assert tasks.get("b").failure == "no such gate"
    assert ledger.entries("charge") == []


@pytest.fixture
def bench(tmp_path):
    """A wire with one create route, its knobs, its list of what was accepted."""
    accepted: list[bytes] = []
    _, ledger = store(tmp_path)

    async def create(request):
        accepted.append(await request.body())
        return JSONResponse({"id": "x" * 200}, status_code=201)

    knobs = Knobs()
    app = Starlette(routes=[Route("/create", create, methods=["POST"]), admin_routes(knobs, ledger, list, list)])
    voice = {Trouble.THROTTLE: 429, Trouble.UNAUTHORIZED: 401}

    def speak(fault: Fault):
        return JSONResponse({"error": fault.trouble}, status_code=voice.get(fault.trouble, 500))

    shell = Faults(app, knobs, kind_of=lambda method, path: "create", voice=speak)
    served = Served(shell)
    yield served.url, knobs, accepted
    served.close()


def post(url: str, path: str = "/create", body: str = "hello", timeout: float = 2.0) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        connection.request("POST", path, body)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("trouble", "accepted", "answer"),
    [
        ("throttle", 0, 429),
        ("unauthorized", 0, 401),
        ("error_before", 0, 500),
        ("error_after", 1, 500),
        ("bad_gateway_after", 1, 502),
        ("drop_before", 0, OSError),
        ("drop_after", 1, OSError),
        ("truncate", 1, http.client.IncompleteRead),
        ("garble", 1, 201),
        ("slow", 1, 201),
        ("hang", 1, 201),
    ],
)
def test_a_fault_happens_once_and_only_after_faults_take_effect(bench, trouble, accepted, answer):
    url, knobs, taken = bench
    post(url, "/_sandbox/knobs", json.dumps({"faults": [{"trouble": trouble, "seconds": 0.1}]}))
    if isinstance(answer, int):
        assert post(url)[0] == answer
    else:
        with pytest.raises(answer):
            post(url)
    assert len(taken) == accepted
    assert post(url)[0] == 201
    assert knobs.seen() == {"create": 2}


def test_a_late_request_lands_after_its_time(bench):
    url, knobs, taken = bench
    knobs.turn(faults=[Fault(trouble=Trouble.LATE, seconds=0.1)])
    with pytest.raises(ConnectionError):
        post(url)
    assert taken == []
    until(lambda: taken == [b"hello"])


def test_a_wrong_knob_is_refused_by_name(bench):
    status, body = post(bench[0], "/_sandbox/knobs", json.dumps({"speed": 1}))
    assert status == 422
    assert b"speed" in body


def test_requests_count_even_when_many_come_at_once(bench):
    url, knobs, taken = bench
    threads = [threading.Thread(target=post, args=(url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == knobs.seen()["create"] == 8
