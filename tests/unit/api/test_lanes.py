"""Who waits when slow reads fill their lane, and who does not?"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from broker.api.lanes import AT_ONCE, SlowLane
from broker.reads import jobs
from broker.services.readiness import State


def test_a10_who_asks_while_a_read_runs_gets_the_answer_of_that_one():
    reads = []

    async def scene():
        lane = SlowLane()
        return await asyncio.gather(*(lane.together("metrics", lambda: reads.append(1) or b"text") for _ in range(20)))

    assert asyncio.run(scene()) == [b"text"] * 20
    assert len(reads) == 1


def test_a10_a_read_that_fails_fails_for_who_waited_and_the_next_one_is_tried():
    async def scene():
        lane = SlowLane()

        def broken():
            raise ValueError("away")

        failed = await asyncio.gather(*(lane.together("a", broken) for _ in range(3)), return_exceptions=True)
        return [str(each) for each in failed], await lane.together("a", lambda: b"back")

    assert asyncio.run(scene()) == (["away"] * 3, b"back")


def test_a10_a_full_lane_holds_up_neither_readiness_nor_a_submit_nor_a_known_key(gateway, monkeypatch):
    gateway.job("ada")
    full, go_on = threading.Semaphore(0), threading.Event()
    page = jobs.page

    def stuck(*arguments, **more):
        full.release()
        assert go_on.wait(20)
        return page(*arguments, **more)

    monkeypatch.setattr(jobs, "page", stuck)
    with ThreadPoolExecutor(2 * AT_ONCE) as crowd:
        lists = [crowd.submit(gateway.call, "ada", "GET", "/v1/jobs") for _ in range(2 * AT_ONCE)]
        for _ in range(AT_ONCE):
            assert full.acquire(timeout=20)
        try:
            ready = gateway.client.get("/readyz")
            admitted = gateway.submit("ada")
        finally:
            go_on.set()
        assert [each.result().status_code for each in lists] == [200] * 2 * AT_ONCE
    assert ready.json()["checks"]["database"] == "ok"
    assert admitted.status_code == 202


def test_a10_a_readiness_that_hangs_takes_one_thread_however_many_ask(gateway, monkeypatch):
    looks, go_on = [], threading.Event()

    def hang(_):
        looks.append(1)
        assert go_on.wait(20)
        return State({})

    monkeypatch.setattr("broker.services.readiness.Readiness.state", hang)
    with ThreadPoolExecutor(60) as crowd:
        asked = [crowd.submit(gateway.client.get, "/readyz") for _ in range(60)]
        try:
            assert gateway.submit("ada").status_code == 202
        finally:
            go_on.set()
        assert {each.result().status_code for each in asked} == {200}
    assert len(looks) < 5
