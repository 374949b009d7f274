"""Can a reader follow jobs, stop, and go on where it stopped?"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from broker.api.stream import Standing, _follow, _while_good
from broker.services.feed import Cut, Listener
from broker.store import tables
from broker.store.events import Events, StoredEvent
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


def opened(gateway, secret, after=0):
    """The lines of a stream over a project's moves, all or from a position on, that somebody reads with this key."""
    keys = gateway.room.keys
    standing = Standing(gateway.room, keys.digest(secret), keys.member(secret, gateway.clock()))
    return _while_good(_follow(gateway.room, standing, None, after, follow=True))


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


def test_a10_a_listener_that_is_too_slow_is_cut_and_goes_on_without_a_gap(gateway, monkeypatch):
    monkeypatch.setattr("broker.services.feed.QUEUE", 3)
    secret = gateway.key("ada")
    first = gateway.job("ada")["id"]

    async def slow():
        said, source = [], opened(gateway, secret)
        while len(moves("".join(said))) < 2:  # the first job's
            said.append(await anext(source))
        listening = asyncio.ensure_future(anext(source))
        while not gateway.room.feed._listeners:  # noqa: ASYNC110  nothing tells that it listens
            await asyncio.sleep(0.01)
        await asyncio.to_thread(gateway.job, "ada")
        said.append(await listening)
        await asyncio.to_thread(lambda: [gateway.job("ada") for _ in range(5)])  # it does not read meanwhile
        await asyncio.sleep(1.0)
        async with asyncio.timeout(5):
            async for text in source:
                said.append(text)  # noqa: PERF401  what came before a time-out counts
        return said

    async def rest(after, count):
        said, source = [], opened(gateway, secret, after)
        async with asyncio.timeout(5):
            while len(moves("".join(said))) < count:
                said.append(await anext(source))
        return moves("".join(said))

    said = asyncio.run(slow())
    assert said[-1] == ": resume from the last id\n\n"
    before = moves("".join(said))
    assert before[0]["job_id"] == first
    assert 2 < len(before) < 14
    found = before + asyncio.run(rest(before[-1]["id"], 14 - len(before)))
    whole = moves(stream(gateway, after=0))
    assert found == whole
    assert len(whole) == 14


def test_a10_a_slow_listener_takes_nothing_from_the_others(gateway, monkeypatch):
    monkeypatch.setattr("broker.services.feed.QUEUE", 3)
    project = ("org", "project")
    slow, fast = (Listener(project=project, job=None) for _ in range(2))

    async def scene():
        heard = []
        for seq in range(10):
            for each in (slow, fast):
                each.tell(move(seq))
            heard += await fast.heard(0)
        with pytest.raises(Cut):
            await slow.heard(0)
        return [each.seq for each in heard]

    assert asyncio.run(scene()) == list(range(10))
    assert slow.moves.qsize() == 3


def move(seq):
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return StoredEvent(
        seq=seq, job="job", organisation="org", backend="local", before=None, after="queued", at=at, reason=""
    )


def test_one_look_at_the_newest_moves_serves_every_stream_of_a_gateway(gateway, monkeypatch):
    looks, newest = [], Events.newest
    monkeypatch.setattr(Events, "newest", lambda self, *place: looks.append(1) or newest(self, *place))
    job = gateway.job("ada")["id"]
    mine = gateway.room.keys.member(gateway.secrets["ada"], gateway.clock())
    feed, crowd = gateway.room.feed, [Listener(project=(mine.organisation, mine.project), job=None) for _ in range(100)]

    async def scene():
        for each in crowd:
            await feed.join(each)
        await asyncio.to_thread(gateway.drive)
        heard = await asyncio.gather(*(each.heard(5) for each in crowd))
        await feed.stop()
        return heard

    heard = asyncio.run(scene())
    assert {move.job for moves in heard for move in moves} == {job}
    assert all(heard)
    assert 0 < len(looks) < len(crowd)
