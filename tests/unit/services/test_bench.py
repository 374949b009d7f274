"""What happens to a heavy program when the process that inspects it ends, hangs or is full?"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.domain.errors import ProgramInvalid, TooMany, Unavailable
from broker.domain.program import Format, Program
from broker.services.bench import EACH, QUEUE, Bench
from tests.support.gateway import BELL

HEAVY = "\n".join(["OPENQASM 3;", 'include "stdgates.inc";', "qubit[10000] q;", *["h q;"] * 10])
SMALL = Program.of(Format.OPENQASM2, BELL)


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def pid(bench):
    """Of the one child, which is idle."""
    child = bench._free.get_nowait()
    bench._free.put(child)
    return child._process.pid


def asked(bench, program=SMALL, owner="ada"):
    return json.loads(asyncio.run(bench.inspect(program, owner)))


def test_a10_a_child_answers_one_program_after_the_other(bench):
    assert asked(bench)["width"] == 2
    first = pid(bench)
    assert asked(bench)["width"] == 2
    assert pid(bench) == first


def test_a10_a_child_that_dies_fails_its_program_alone_and_is_replaced(bench):
    asked(bench)
    first = pid(bench)
    os.kill(first, signal.SIGSTOP)

    async def scene():
        under_way = asyncio.ensure_future(bench.inspect(SMALL, "ada"))
        while not bench._free.empty():  # noqa: ASYNC110  until it is the child's; nothing tells
            await asyncio.sleep(0.01)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Unavailable) as caught:
            await under_way
        return caught.value, json.loads(await bench.inspect(SMALL, "ada"))

    error, need = asyncio.run(scene())
    assert error.retry_after == 5
    assert need["width"] == 2
    assert pid(bench) != first


def test_a10_a_child_that_died_while_it_was_idle_is_nobodys_fault(bench):
    asked(bench)
    first = pid(bench)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert asked(bench)["width"] == 2
    assert pid(bench) != first


def test_a10_a_child_that_says_nothing_is_not_waited_for(bench, monkeypatch):
    asked(bench)
    first = pid(bench)
    os.kill(first, signal.SIGSTOP)
    monkeypatch.setattr("broker.services.bench.PATIENCE_S", 0.2)
    with pytest.raises(Unavailable):
        asked(bench)
    monkeypatch.undo()
    assert asked(bench)["width"] == 2
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a10_a_fault_has_its_place(bench):
    with pytest.raises(ProgramInvalid) as caught:
        asked(bench, Program.of(Format.OPENQASM2, BELL.replace("cx", "xc")))
    assert caught.value.line


def test_a10_a_member_has_so_many_in_the_queue_and_all_together_so_many(bench):
    async def scene():
        waiting = [asyncio.ensure_future(bench.inspect(SMALL, f"m{n // EACH}")) for n in range(QUEUE)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await bench.inspect(SMALL, "m0")
        with pytest.raises(Unavailable):
            await bench.inspect(SMALL, "another")
        await asyncio.gather(*waiting)
        return json.loads(await bench.inspect(SMALL, "another"))

    assert asyncio.run(scene())["width"] == 2


def test_a10_a_quote_whose_child_dies_is_a_typed_503_and_the_next_one_is_served(gateway):
    def quote(number):
        program = {"format": "openqasm3", "source": f"{HEAVY}\n// {number}"}
        return gateway.call("ada", "POST", "/v1/quotes", json={"program": program, "shots": 10})

    assert quote(1).status_code == 200
    bench = gateway.room.preparation._bench
    child = pid(bench)
    os.kill(child, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as other:
        under_way = other.submit(quote, 2)
        deadline = time.monotonic() + 20
        while not bench._free.empty() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        answer = under_way.result()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "5")
    assert quote(2).status_code == 200
