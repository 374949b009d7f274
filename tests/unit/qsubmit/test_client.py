"""Does the library keep its promises over a bad network?"""

from __future__ import annotations

import threading

import pytest

from qsubmit import errors, follow
from qsubmit.client import Client
from qsubmit.follow import Follower
from tests.unit.qsubmit.fake_broker import KEY_TEXT, Fault, problem
from tests.unit.qsubmit.fake_shapes import BELL


def test_a_submitted_job_is_waited_for_and_its_result_read(client):
    job = client.submit(BELL, shots=100, max_cost="5000KRW", deadline="+2h", tags=["a"], seed=7)

    ended = client.wait(job["id"])

    assert ended["state"] == "succeeded"
    assert client.result(job["id"])["counts"] == {"00": 514, "11": 486}


def test_the_body_holds_only_what_was_given(client, broker):
    client.submit(BELL, shots=100, max_cost="5,000 krw")

    (post,) = broker.posts()
    program = {"format": "openqasm2", "source": BELL}
    assert post["body"] == {"program": program, "shots": 100, "max_cost": {"amount": "5000", "currency": "KRW"}}


TRANSIENT = [
    Fault(cut="before"),
    Fault(cut="after"),
    Fault(503, {"code": "not_ready"}),
    Fault(502),
    Fault(504),
    Fault(429, {"code": "rate_limited", "retry_after": 0.5}),
    Fault(409, {"code": "idempotency_in_flight", "detail": "being admitted"}),
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: str(fault.cut or fault.status))
def test_a_stumbling_submission_is_repeated_under_one_key_and_makes_one_job(client, broker, fault):
    broker.faults.extend([fault, fault])

    client.submit(BELL)

    keys = {post["headers"]["Idempotency-Key"] for post in broker.posts()}
    assert (len(broker.posts()), len(keys), len(broker.jobs)) == (3, 1, 1)


def test_two_submissions_have_two_keys(client, broker):
    client.submit(BELL)
    client.submit(BELL)

    assert len(broker.jobs) == 2


def test_a_given_key_is_used_and_repeats_the_job(client, broker):
    first = client.submit(BELL, idempotency_key="k")
    second = client.submit(BELL, idempotency_key="k")

    assert first["id"] == second["id"]
    with pytest.raises(errors.IdempotencyMismatch):
        client.submit(BELL, shots=5, idempotency_key="k")


def test_repetition_is_bounded(client, broker, pauses):
    broker.faults.extend([Fault(503, {"code": "not_ready"})] * 50)

    with pytest.raises(errors.ServerTrouble):
        client.submit(BELL)

    assert len(broker.posts()) == 6
    assert len(pauses) == 5


def test_the_server_is_given_the_pause_it_asks_for(client, broker, pauses):
    broker.faults.append(Fault(429, {"code": "rate_limited"}, headers={"Retry-After": "7"}))

    client.submit(BELL)

    assert pauses == [7.0]


def test_a_pause_beyond_patience_is_an_error_at_once(client, broker, pauses):
    broker.faults.append(Fault(429, {"code": "rate_limited", "retry_after": 3600}))

    with pytest.raises(errors.RateLimited) as caught:
        client.submit(BELL)

    assert caught.value.retry_after == 3600
    assert pauses == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 500])
def test_a_definite_answer_is_not_asked_for_again(client, broker, status):
    broker.faults.append(Fault(status, {"code": "x", "detail": "no"}))

    with pytest.raises(errors.QsubmitError):
        client.submit(BELL)

    assert len(broker.posts()) == 1


def test_keys_are_created_once_whatever_the_network_does(client, broker):
    broker.faults.append(Fault(cut="after"))

    with pytest.raises(errors.Unreachable):
        client.create_key({"name": "x"})

    assert len(broker.posts("/v1/keys")) == 1


def test_requests_share_a_socket(client, broker):
    for _ in range(3):
        client.devices()

    assert len({request["socket"] for request in broker.seen}) == 1


def test_threads_share_a_client(client, broker):
    threads = [threading.Thread(target=client.submit, args=(BELL,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(broker.jobs) == 8


def test_a_closed_port_is_unreachable(monkeypatch):
    with pytest.raises(errors.Unreachable, match="cannot reach"):
        Client("http://127.0.0.1:9", "k", sleep=lambda _: None).devices()


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://host:port"])
def test_a_url_that_is_none_is_a_usage_error(url):
    with pytest.raises(errors.Usage):
        Client(url, "k")


def test_a_page_that_is_not_ours_is_server_trouble(client, broker):
    broker.faults.append(Fault(200, b"<html>"))

    with pytest.raises(errors.ServerTrouble, match="not JSON"):
        client.devices()


def test_the_stream_is_resumed_where_it_broke_and_no_move_comes_twice(client, broker):
    broker.cut_stream_after = 1
    broker.way = ()
    job = client.submit(BELL)["id"]
    threading.Thread(target=lambda: [broker.move(job, state) for state in _way()]).start()

    states = [event["state"] for event in client.follow([job]) if event]

    assert states == ["accepted", "queued", "submitting", "submitted", "running", "fetching", "succeeded"]
    streams = [request for request in broker.seen if request["path"] == "/v1/events"]
    after = [int(request["headers"]["Last-Event-ID"]) for request in streams]
    assert after == sorted(after)


def _way():
    return ("queued", "submitting", "submitted", "running", "fetching", "succeeded")


def test_without_a_stream_the_job_is_polled(client, broker):
    broker.streaming = False
    broker.way = ()
    job = client.submit(BELL)["id"]
    threading.Thread(target=lambda: [broker.move(job, state) for state in _way()]).start()

    assert client.wait(job)["state"] == "succeeded"


def test_several_jobs_share_one_stream(client, broker):
    broker.way = ()
    jobs = [client.submit(BELL)["id"] for _ in range(3)]
    threading.Thread(target=lambda: [broker.move(job, state) for job in jobs for state in _way()]).start()

    ended = {event["job_id"] for event in client.follow(jobs) if event and event["state"] == "succeeded"}

    assert ended == set(jobs)


def test_waiting_ends_in_time_and_says_that_the_job_goes_on(client, broker):
    broker.way = ()
    job = client.submit(BELL)["id"]

    with pytest.raises(errors.TimedOut, match="still running"):
        client.wait(job, timeout=0.05)


def test_a_restart_of_the_server_is_waited_out(client, broker):
    broker.way = ()
    job = client.submit(BELL)["id"]
    broker.faults.extend([Fault(cut="before")] * 7)
    timer = threading.Timer(0.05, lambda: [broker.move(job, state) for state in _way()])
    timer.start()

    assert client.wait(job)["state"] == "succeeded"


def test_a_server_that_stays_away_is_an_error_in_the_end(monkeypatch):
    now = iter(range(0, 100000, 50))
    away = Client("http://127.0.0.1:9", "k", sleep=lambda _: None)

    with pytest.raises(errors.Unreachable):
        list(Follower(away, ["j"], clock=lambda: next(now), sleep=lambda _: None).events())


def test_events_go_on_after_a_cut(client, broker):
    broker.cut_stream_after = 2
    job = broker.add_job(state="succeeded")

    events = client.events(job)
    seen = [next(events)["id"] for _ in range(7)]
    events.close()

    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_jobs_are_read_page_by_page(client, broker):
    for _ in range(5):
        broker.add_job()

    assert len(list(client.jobs(limit=2))) == 5
    assert len([path for path in broker.paths() if path == "/v1/jobs"]) == 3


def test_a_quote_holds_the_decision(client):
    assert client.quote(BELL)["choice"] == "local/auto"


def test_the_key_is_in_the_header_and_in_no_text(client, broker):
    client.devices()

    assert broker.seen[0]["headers"]["Authorization"] == f"Bearer {KEY_TEXT}"
    assert KEY_TEXT not in repr(client.settings)


def test_ids_cannot_leave_their_path(client, broker):
    with pytest.raises(errors.NotFound):
        client.status("../keys?x=1")

    assert broker.seen[-1]["path"] == "/v1/jobs/..%2Fkeys%3Fx%3D1"


def test_a_problem_keeps_its_parts(client, broker):
    refusals = [{"device": "d", "rule": "width", "reason": "too wide"}]
    broker.faults.append(Fault(*problem(422, "program_unknown_gate", "no gate hh", line=4, column=1, hint="h")))
    broker.faults.append(Fault(*problem(409, "no_device", "none", refusals=refusals)))
    broker.faults.append(Fault(*problem(402, "budget_exceeded", "too much", budget="kaist")))

    with pytest.raises(errors.ProgramInvalid) as program:
        client.submit(BELL)
    with pytest.raises(errors.NoDevice) as device:
        client.submit(BELL)
    with pytest.raises(errors.BudgetExceeded) as budget:
        client.submit(BELL)

    assert (program.value.line, program.value.column, program.value.hint) == (4, 1, "h")
    assert device.value.refusals == refusals
    assert budget.value.budget == "kaist"


def test_stream_tries_are_bounded(client, broker):
    broker.streaming = False
    job = broker.add_job()
    follower = Follower(client, [job], sleep=lambda _: None)
    events = follower.events()

    for _ in range(20):
        next(events)

    assert broker.paths().count("/v1/events") == follow.STREAM_TRIES


@pytest.mark.parametrize("asked", ["9" * 5000, "nan", "inf", "-1", "x", "²", None, [1], 10**400])
def test_a12_a_pause_that_is_none_is_not_waited_for(asked):
    from qsubmit.connection import _seconds

    assert _seconds(asked) is None


def test_a12_a_position_that_is_none_is_not_read():
    from qsubmit import sse

    for position in ("9" * 5000, "²", "-1"):
        lines = [f"id: {position}\n".encode(), b"event: move\n", b'data: {"id": 7}\n', b"\n"]
        assert [event["id"] for event in sse.parse(lines)] == [7]
