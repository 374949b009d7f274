"""Who runs the simulations of all workers? One process per data folder, behind a Unix socket."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
import time
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.local import machine, qsim, wire
from backends.local.book import ENDED, MOST_LIVE, RESULT_TOO_LARGE, Book, Job, Waiter
from backends.local.choose import Choice, Machine, Unfit
from backends.local.cost import whole_s
from backends.local.dispatch import Dispatch, tell_soon
from backends.local.weigh import choice_of
from backends.local.wire import Json

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 2.0
KINDS = {"auto": "gate", "aer": "gate", "qsim": "gate", "pulser": "pulser", "perceval": "perceval", "ahs": "ahs"}

_log = logging.getLogger(__name__)


class Host:
    """What the socket's requests do. One thread, the loop's; each ``do_`` answers one request at once."""

    def __init__(self, *, cores: int, memory_bytes: int, max_run_s: float) -> None:
        self.book = Book(secrets.token_hex(6))
        self.dispatch = Dispatch(self.book, cores=cores, memory_bytes=memory_bytes, max_run_s=max_run_s)
        self._machine = Machine(memory_bytes=memory_bytes, qsim=qsim.available())
        self._chosen = lru_cache(4096)(self._choose)

    def do_hello(self, _: Json) -> dict[str, Any]:
        return {"waiting": self.dispatch.waiting, "pid": os.getpid(), **self.dispatch.capacity()}

    def do_submit(self, asked: dict[str, Any]) -> list[Any]:
        """An id per order, or why not."""
        taken = [self._take(order, asked["programs"]) for order in asked["orders"]]
        self.dispatch.pump()
        return taken

    def do_poll(self, ids: list[str]) -> list[list[Any]]:
        """Phase and message of each id."""
        return [self._look(job_id) for job_id in ids]

    def do_fetch(self, ids: list[str]) -> list[dict[str, Any]]:
        """The answer of each id, or its phase."""
        return [self._fetched(job_id) for job_id in ids]

    def do_find(self, start: str) -> list[str]:
        return self.book.with_token(start)

    def do_cancel(self, ids: list[str]) -> None:
        for job_id in ids:
            job = self.book.get(job_id)
            if job is not None and job.phase not in ENDED:
                for waiter in self.dispatch.cancel(job):
                    tell_soon(waiter)

    def wait(self, asked: dict[str, Any], tell: Callable[[list[str]], None]) -> Waiter:
        """Not answered at once: ``tell`` hears the ids that ended."""
        waiter = Waiter(need=asked["need"], tell=tell)
        self.book.await_ends(asked["ids"], waiter)
        if waiter.satisfied():
            tell_soon(waiter)
        else:
            asyncio.get_running_loop().call_later(asked["timeout_s"], tell_soon, waiter)
        return waiter

    def _take(self, order: dict[str, Any], programs: dict[str, dict[str, Any]]) -> Json:
        if self.book.live >= MOST_LIVE:
            return {"busy": f"{self.book.live} jobs wait here already"}
        if self.book.full:
            return {"busy": "the results that nobody has fetched yet fill the memory that is kept for them"}
        program = programs[order["program"]]
        engine = order["device"].partition("/")[2]
        *figures, bits = program["need"]
        need = (*figures, order["shots"], len(order["points"]))
        try:
            choice = self._chosen(engine, order.get("method", ""), need)
        except Unfit as unfit:
            return {"refused": str(unfit), "code": unfit.code}
        job = Job(
            id=self.book.next_id(),
            token=order["token"],
            device=order["device"],
            kind=KINDS[engine],
            sha256=order["program"],
            program={"format": program["format"], "source": program["source"]},
            shots=order["shots"],
            points=order["points"],
            seed=order["seed"],
            choice=choice,
            bits=bits,
            photons=figures[-1],
            owner=tuple(order["owner"]),
            cost_s=_whole_s(choice, order, program),
        )
        self.book.add(job)
        self.dispatch.add(job)
        return job.id

    def _choose(self, engine: str, method: str, figures: tuple[Any, ...]) -> Choice:
        return choice_of(engine, method, figures, self._machine)

    def _look(self, job_id: str) -> list[Any]:
        job = self.book.get(job_id)
        if job is None:
            return ["lost", "the host was restarted, or the result was not fetched in time", None, None, None]
        return [job.phase, _told(job.error), None, job.used_s * 1000, _code(job.error)]

    def _fetched(self, job_id: str) -> dict[str, Any]:
        job = self.book.get(job_id)
        if job is None:
            return {"phase": "lost"}
        if job.answer is None or job.phase != "done":
            return {"phase": job.phase, "error": job.error}
        self.book.fetched(job)
        return {
            **job.answer,
            "phase": "done",
            "points": job.points,
            "shots": job.shots,
            "engine": job.answer["note"] or job.choice.words,
            "software": job.software,
            "started_at": job.started_at,
            "ended_at": job.ended_at,
        }


def _whole_s(choice: Choice, order: dict[str, Any], program: dict[str, Any]) -> float:
    width, operations, *_ = program["need"]
    shots, points = order["shots"], max(1, len(order["points"]))
    outcomes = min(shots, 1 << min(width, 40))
    size = len(program["source"])
    return whole_s(choice.seconds, size=size, operations=operations, points=points, outcomes=outcomes)


def _code(error: dict[str, Any] | None) -> str | None:
    # Only where the member must change what was asked for; else it is a run that failed, whatever the words.
    return RESULT_TOO_LARGE if error is not None and error.get("code") == RESULT_TOO_LARGE else None


def _told(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    line, column = error.get("line"), error.get("column")
    place = f"line {line}, column {column}: " if line else ""
    return f"{place}{error['message']}"


class Conversation(asyncio.Protocol):
    """One client. Requests are ``[number, verb, argument]``, replies ``[number, good, value]``."""

    def __init__(self, host: Host, seen: Presence) -> None:
        self._host = host
        self._seen = seen
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a stream server makes no other
        self._transport = transport
        self._seen.clients += 1

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._seen.clients -= 1
        self._seen.at = time.monotonic()

    def data_received(self, data: bytes) -> None:
        self._got += data
        for number, verb, argument in wire.unpacked(self._got):
            if verb == "wait":
                self._host.wait(argument, partial(self._replied, number))
                continue
            try:
                value = getattr(self._host, f"do_{verb}")(argument)
            except Exception as error:  # noqa: BLE001  a client of another version must not take the host down
                _log.exception("request %s failed", verb)
                self._reply(number, good=False, value=f"{type(error).__name__}: {error}")
                continue
            self._reply(number, good=True, value=value)

    def _replied(self, number: int, ids: list[str]) -> None:
        self._reply(number, good=True, value=ids)

    def _reply(self, number: int, *, good: bool, value: Json) -> None:
        if self._transport is not None:
            self._transport.write(wire.packed([number, good, value]))


class Presence:
    """Clients that are connected, and when the last one left."""

    def __init__(self) -> None:
        self.clients = 0
        self.at = time.monotonic()

    def gone_for(self, seconds: float) -> bool:
        return not self.clients and time.monotonic() - self.at > seconds


async def serve(data: Path, host: Host, *, idle_s: float) -> None:
    """Until told to stop, nobody has been there for ``idle_s``, or the socket's file is another's."""
    seen, loop, stopping = Presence(), asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    path = data / wire.socket_name()
    with wire.address(data) as address:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.umask(0o177)
        server = await loop.create_unix_server(lambda: Conversation(host, seen), address, backlog=512)
        os.umask(0o077)
    inode = path.stat().st_ino
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_S)
        host.book.forget()
        host.dispatch.tidy()
        ours = path.exists() and path.stat().st_ino == inode
        if not ours or (seen.gone_for(idle_s) and not host.book.live):
            break
    server.close()
    if path.exists() and path.stat().st_ino == inode:
        path.unlink()
    host.dispatch.close()


def main() -> None:
    """Run ``python -m backends.local.host --data DIR``; a second one for the same folder ends at once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--idle-s", type=float, default=60.0)
    parser.add_argument("--max-run-s", type=float, default=120.0)
    parser.add_argument("--memory-bytes", type=int, default=0)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    lock = os.open(asked.data / wire.host_lock_name(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    memory = asked.memory_bytes or machine.free_memory_bytes()
    host = Host(cores=machine.cores(), memory_bytes=memory, max_run_s=asked.max_run_s)
    asyncio.run(serve(asked.data, host, idle_s=asked.idle_s))


if __name__ == "__main__":
    main()
