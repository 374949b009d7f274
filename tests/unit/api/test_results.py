"""How does a large result leave the house?"""

from __future__ import annotations

import asyncio
import hashlib
import json

from sqlalchemy import update

from broker.api.results import _in_parts
from broker.reads import results as stored
from broker.store.tables import results


def enlarged(gateway, size):
    """A finished job whose result is about so large, with letters of several bytes in it."""
    job = gateway.job("ada")["id"]
    gateway.drive()
    body = json.dumps({"counts": {"00": 100}, "filler": "ä€" * (size // 5)}, ensure_ascii=False)
    with gateway.store.write() as work:
        digest = hashlib.sha256(body.encode()).hexdigest()
        work.connection.execute(update(results).where(results.c.job_id == job).values(body=body, sha256=digest))
    return job, json.loads(body) | {"sha256": digest}


def test_a10_a_large_result_comes_in_parts_and_whole(both, monkeypatch):
    monkeypatch.setattr("broker.reads.results.WHOLE", 1000)
    monkeypatch.setattr("broker.reads.results.PART", 777)
    job, wanted = enlarged(both, 50_000)
    answer = both.call("ada", "GET", f"/v1/jobs/{job}/result")
    assert answer.json() == wanted
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert both.room.downloads.taken == 0


def test_a10_a_result_that_is_known_is_not_sent_again(gateway):
    job, _ = enlarged(gateway, 100)
    tag = gateway.call("ada", "GET", f"/v1/jobs/{job}/result").headers["etag"]
    answer = gateway.call("ada", "GET", f"/v1/jobs/{job}/result", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a10_who_takes_a_large_result_too_slowly_is_left_and_gives_its_place_back(gateway, monkeypatch):
    monkeypatch.setattr("broker.reads.results.WHOLE", 100)
    monkeypatch.setattr("broker.reads.results.PART", 1000)
    job, _ = enlarged(gateway, 50_000)
    kept = stored.result(gateway.store, seen_as(gateway), job)

    async def reading(pause_s):
        taken = 0
        async for piece in _in_parts(gateway.room, kept, b"tail"):
            taken += len(piece)
            await asyncio.sleep(pause_s)
        return taken

    monkeypatch.setattr("broker.api.results.GRACE_S", 0.5)
    monkeypatch.setattr("broker.api.results.SLOWEST", 1 << 40)
    assert 0 < asyncio.run(reading(0.1)) < kept.size / 2
    assert asyncio.run(reading(0)) == kept.size - 1 + len(b"tail")
    monkeypatch.setattr("broker.api.results.SLOWEST", kept.size / 30)  # whoever takes it at this rate has the time
    assert asyncio.run(reading(0.02)) == kept.size - 1 + len(b"tail")


def seen_as(gateway):
    gateway.call("ada", "GET", "/v1/jobs")
    return gateway.room.keys.member(gateway.secrets["ada"], gateway.clock())


def test_a10_the_pieces_of_large_results_are_bounded_for_each_member(gateway, monkeypatch):
    monkeypatch.setattr("broker.reads.results.WHOLE", 100)
    job, _ = enlarged(gateway, 50_000)
    monkeypatch.setattr(gateway.room.downloads, "_each", 0)
    answer = gateway.call("ada", "GET", f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
