"""Can a reader follow jobs, stop, and go on where it stopped?"""

from __future__ import annotations

import json

import pytest


def stream(gateway, member="ada", headers=None, **query):
    answer = gateway.call(member, "GET", "/v1/events", params={"follow": "false"} | query, headers=headers or {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


def moves(text):
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            event = json.loads(lines["data"])
            assert (lines["event"], int(lines["id"])) == ("move", event["id"])
            found.append(event)
    return found


def test_a_jobs_stream_has_all_of_its_moves_and_ends_with_it(gateway):
    job = gateway.job("ada")["id"]
    gateway.drive()
    events = moves(stream(gateway, job=job, follow="true"))
    assert [event["state"] for event in events] == [move["state"] for move in gateway.see(job)["timeline"]]


@pytest.mark.parametrize("way", ["header", "query"])
def test_a_stream_goes_on_after_the_last_event_that_was_seen(gateway, way):
    job = gateway.job("ada")["id"]
    gateway.drive()
    whole = moves(stream(gateway, job=job))
    last = str(whole[2]["id"])
    rest = (
        stream(gateway, job=job, headers={"Last-Event-ID": last})
        if way == "header"
        else stream(gateway, job=job, after=last)
    )
    assert moves(rest) == whole[3:]


def test_resuming_after_the_end_of_a_job_ends_at_once(gateway):
    job = gateway.job("ada")["id"]
    gateway.drive()
    last = moves(stream(gateway, job=job))[-1]["id"]
    assert moves(stream(gateway, job=job, follow="true", headers={"Last-Event-ID": str(last)})) == []


def test_without_a_position_a_project_sees_what_comes(gateway):
    gateway.job("ada")
    assert moves(stream(gateway)) == []


def test_a_stream_is_one_projects(gateway):
    mine = gateway.job("ada")["id"]
    for other in ("cyd", "dan", "sua"):
        gateway.job(other)
    assert {event["job_id"] for event in moves(stream(gateway, after=0))} == {mine}


def test_members_of_a_project_see_the_same(gateway):
    gateway.job("ada")
    assert moves(stream(gateway, "bob", after=0)) == moves(stream(gateway, "ada", after=0))


def test_a_long_stream_comes_in_pages_without_a_gap(gateway, monkeypatch):
    monkeypatch.setattr("broker.api.stream.PAGE", 2)
    for _ in range(5):
        gateway.job("ada")
    events = moves(stream(gateway, after=0))
    assert len(events) == 10
    assert [event["id"] for event in events] == sorted({event["id"] for event in events})


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "9" * 30, "9" * 5000, "\u0661", ""])
def test_a_position_that_is_none_is_refused(gateway, position):
    headers = {b"Last-Event-ID": position.encode()}
    answer = gateway.call("ada", "GET", "/v1/events", params={"follow": "false"}, headers=headers)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/Last-Event-ID")


def test_the_moves_of_a_strangers_job_are_not_found(gateway):
    job = gateway.job("ada")["id"]
    assert gateway.call("dan", "GET", "/v1/events", params={"job": job}).status_code == 404
