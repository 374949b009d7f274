"""Can a reader follow jobs, stop, and go on where it stopped?"""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import update

from broker.api.stream import Standing, _follow, _while_good
from broker.store import tables
from tests.support.gateway import member_id


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


def minted(gateway, **body):
    made = gateway.call("ada", "POST", "/v1/keys", json=body).json()
    return made["id"], made["key"]


def opened(gateway, secret):
    """The lines of a stream over all of a project's moves that somebody reads with this key."""
    keys = gateway.room.keys
    standing = Standing(gateway.room, keys.digest(secret), keys.member(secret, gateway.clock()))
    return _while_good(_follow(gateway.room, standing, None, 0, follow=True))


def read(gateway, secret, meanwhile, *, moves_first=1):
    """What a stream says after ``moves_first`` moves and then ``meanwhile``; a stream that goes on is cut off."""

    async def reading():
        source, said = opened(gateway, secret), []
        for _ in range(1 + moves_first):
            await anext(source)
        await asyncio.to_thread(meanwhile)
        try:
            async with asyncio.timeout(2):
                async for text in source:
                    said.append(text)  # noqa: PERF401  what came before a time-out counts
        except TimeoutError:
            return [*said, "it goes on"]
        return said

    return asyncio.run(reading())


ENDED = [": this API key has ended\n\n"]


@pytest.mark.parametrize("moves_first", [1, 2], ids=["within-a-page", "waiting"])
def test_a8_an_open_stream_says_nothing_more_once_its_key_is_revoked(gateway, moves_first):
    gateway.job("ada")
    key, secret = minted(gateway)
    revoke = lambda: gateway.call("ada", "DELETE", f"/v1/keys/{key}")  # noqa: E731
    assert read(gateway, secret, revoke, moves_first=moves_first) == ENDED


def test_a8_an_open_stream_ends_when_a_maker_of_its_key_is_revoked(gateway):
    gateway.job("ada")
    key, secret = minted(gateway)
    child = gateway.call("", "POST", "/v1/keys", key=secret, json={}).json()["key"]
    assert read(gateway, child, lambda: gateway.call("ada", "DELETE", f"/v1/keys/{key}")) == ENDED


def test_a8_an_open_stream_ends_with_its_keys_time(gateway):
    gateway.job("ada")
    _, secret = minted(gateway, expires_at="2026-11-20T09:00:04Z")
    assert read(gateway, secret, lambda: gateway.clock.forward(4)) == ENDED


def test_a8_an_open_stream_ends_within_five_seconds_of_a_revocation_elsewhere(gateway):
    gateway.job("ada")
    key, secret = minted(gateway)

    def elsewhere():
        with gateway.store.write() as work:
            work.people.end_key(key, revoked_at=gateway.clock())
        gateway.clock.forward(5.000001)

    assert read(gateway, secret, elsewhere) == ENDED


@pytest.mark.parametrize("change", [{"role": "nobody"}, {"project_id": "chemistry"}], ids=["role", "project"])
def test_a8_an_open_stream_ends_when_its_member_may_read_no_more(gateway, change):
    gateway.job("ada")
    _, secret = minted(gateway)

    def changed():
        with gateway.store.write() as work:
            members = tables.members
            if "project_id" in change:
                mine = members.c.id == member_id("cyd")
                other = work.connection.execute(members.select().where(mine)).one().project_id
                change["project_id"] = other
            work.connection.execute(update(members).where(members.c.id == member_id("ada")).values(**change))
        gateway.clock.forward(5.000001)

    assert read(gateway, secret, changed) == ENDED


def test_a8_another_keys_revocation_does_not_end_a_stream(gateway):
    gateway.job("ada")
    _, secret = minted(gateway)
    other, _ = minted(gateway)
    said = read(gateway, secret, lambda: gateway.call("ada", "DELETE", f"/v1/keys/{other}"))
    assert said[-1] == "it goes on"
    assert len(said) == 2
