"""Who comes all at once? Members, listeners, a flood, a class, slow readers, and strangers who mean no good."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.support.gateway import BELL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine

STREAMS, CLASS, SLOW, HEADS, FLOOD = 50, 30, 10, 50, 16
PAUSE_S = 4.0  # of a member, between two submits
PATIENCE_S = 60.0
SETTLE_S = 5.0
SUBMITS = 200
HEAVY = "\n".join(["OPENQASM 3;", 'include "stdgates.inc";', "qubit[10000] q;", *["h q;"] * 100])


def play(pid: int, port: int, scene: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Everything at once for ``options.seconds``; the figures."""
    return asyncio.run(Crowd(pid, port, scene, options).play())


class Crowd:
    """One event loop that plays all of them, and keeps the figures."""

    def __init__(self, pid: int, port: int, scene: dict[str, Any], options: argparse.Namespace) -> None:
        self._pid, self._port, self._keys, self._big = pid, port, scene["keys"], scene["big"]
        self._half_open = options.half_open
        self._seconds = options.seconds
        self._end = 0.0
        self._waits: dict[int, list[float]] = defaultdict(list)
        self._served: set[int] = set()
        self._codes: Counter[str] = Counter()
        self._heard: list[int] = []
        self._read = 0
        self._memory: list[float] = []

    async def play(self) -> dict[str, Any]:
        """All of them."""
        start = memory(self._pid)
        self._end = time.monotonic() + self._seconds
        members = [self._member(number) for number in range(1, len(self._keys))]
        listeners = [self._listener(number) for number in range(STREAMS)]
        strangers = [self._half() for _ in range(self._half_open)] + [self._head() for _ in range(HEADS)]
        readers = [self._reader() for _ in range(SLOW)]
        flood = [self._flood(number) for number in range(FLOOD)]
        others: list[Coroutine[Any, Any, None]] = [self._lesson(), self._watch()]
        await asyncio.gather(*(survived(each) for each in members + listeners + strangers + readers + flood + others))
        beside = await self._beside_heavy()
        waits = sorted(wait for mine in self._waits.values() for wait in mine) or [math.inf]
        longest = [max(mine) for mine in self._waits.values()] or [math.inf]
        return {
            "submit": {
                "accepted": self._codes["submit 202"],
                "unserved": len(members) - len(self._served),
                "median": median(waits),
                "p99": waits[int(len(waits) * 0.99)],
                "longest": waits[-1],
                "member_median": median(longest),
            },
            "beside_heavy": {"median": median(beside), "p99": beside[int(len(beside) * 0.99)]},
            "memory": {"start": start, "peak": max(self._memory), "end": memory(self._pid)},
            "streams": sorted(self._heard)[len(self._heard) // 2] if self._heard else 0,
            "read": self._read,
            "codes": dict(sorted(self._codes.items())),
        }

    def _left(self) -> float:
        return self._end - time.monotonic()

    async def _member(self, number: int) -> None:
        await asyncio.sleep(PAUSE_S * number / len(self._keys))
        while self._left() > 0:
            began = time.monotonic()
            code = await self._post("submit", "/v1/jobs", number, BELL, "openqasm2")
            self._waits[number].append(time.monotonic() - began)
            if code == 202:
                self._served.add(number)
            await asyncio.sleep(PAUSE_S)

    async def _lesson(self) -> None:
        """Thirty different programs in the same moment, of thirty members."""
        await asyncio.sleep(self._seconds / 4)
        await asyncio.gather(
            *(self._post("class", "/v1/quotes", 20 + n, f"{HEAVY}\n// {n}", "openqasm3") for n in range(CLASS))
        )

    async def _beside_heavy(self) -> list[float]:
        """Alone with thirty heavy quotes that are always under way: the waits of 200 submits, shortest first."""
        await asyncio.sleep(SETTLE_S)
        busy = [asyncio.ensure_future(self._ponder(number)) for number in range(CLASS)]
        waits = []
        for number in range(SUBMITS):
            began = time.monotonic()
            await self._post("beside heavy", "/v1/jobs", 100 + number % 50, BELL, "openqasm2")
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
        for each in busy:
            each.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        return sorted(waits)

    async def _ponder(self, number: int) -> None:
        for count in range(SUBMITS):
            await self._post("heavy", "/v1/quotes", 20 + number, f"{HEAVY}\n// beside {number} {count}", "openqasm3")
            await asyncio.sleep(0.1)

    async def _flood(self, number: int) -> None:
        """Member nought asks as fast as it can, small and heavy in turn."""
        count = 0
        while self._left() > 0:
            count += 1
            source = f"{HEAVY}\n// {number} {count}" if count % 4 == 0 else BELL
            code = await self._post("flood", "/v1/quotes", 0, source, "openqasm3" if count % 4 == 0 else "openqasm2")
            if code == 429:
                await asyncio.sleep(0.5)

    async def _post(self, who: str, path: str, number: int, source: str, form: str) -> int:
        body = {"program": {"format": form, "source": source}, "shots": 100}
        if path == "/v1/jobs":
            body["device"] = "local/aer"
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {self._keys[number]}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        code = 0
        try:
            async with asyncio.timeout(PATIENCE_S), self._dialled() as (reader, writer):
                writer.write(head.encode() + content)
                answer = await reader.read()
                code = int(answer[9:12] or b"0")
        except (OSError, TimeoutError):
            pass
        self._codes[f"{who} {code}"] += 1
        return code

    @contextlib.asynccontextmanager
    async def _dialled(self, **more: Any):  # type: ignore[no-untyped-def]
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, **more)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def _get(self, path: str, number: int) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {self._keys[number]}\r\n\r\n".encode()

    async def _listener(self, number: int) -> None:
        heard = 0
        async with self._dialled() as (reader, writer):
            writer.write(
                f"GET /v1/events HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {self._keys[number]}\r\n\r\n".encode()
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._left()):
                    while line := await reader.readline():
                        heard += line.startswith(b"id: ")
        self._heard.append(heard)

    async def _reader(self) -> None:
        """A slow one of the large result: 64 KiB in a fifth of a second."""
        await asyncio.sleep(1.0)
        async with self._dialled(limit=65536) as (reader, writer):
            writer.write(self._get(f"/v1/jobs/{self._big}/result", 0))
            while self._left() > 0:
                async with asyncio.timeout(PATIENCE_S):
                    piece = await reader.read(65536)
                self._read += len(piece)
                if not piece:
                    return
                await asyncio.sleep(0.2)

    async def _half(self) -> None:
        """A head that never ends."""
        await asyncio.sleep(2.0)
        async with self._dialled() as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._left()):
                    await reader.read()

    async def _head(self) -> None:
        """A megabyte of header, again and again, without a key."""
        while self._left() > 0:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(5.0), self._dialled() as (reader, writer):
                    writer.write(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * (1 << 20))
                    await writer.drain()
                    await reader.read()
            await asyncio.sleep(1.0)

    async def _watch(self) -> None:
        while self._left() > 0:
            self._memory.append(memory(self._pid))
            await asyncio.sleep(0.5)


async def survived(each: Coroutine[Any, Any, None]) -> None:
    """Whoever is cut off has its figure already."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        await each


def memory(pid: int) -> float:
    """MiB (PSS) of a process and its children; 0 of one that is gone."""
    total = 0
    for each in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(text.split("\nPss:")[1].split()[0])
    return total / 1024


def children(pid: int) -> list[int]:
    """Of all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
