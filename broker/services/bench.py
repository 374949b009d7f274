"""Where is a program inspected that would hold up everybody? In one of a few processes, behind a bounded queue."""

from __future__ import annotations

import asyncio
import json
import logging
import select
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from broker.domain.errors import ProgramInvalid, TooMany, Unavailable

if TYPE_CHECKING:
    from broker.domain.program import Program

log = logging.getLogger("qsubmit.bench")
CHILDREN = 2
QUEUE = 40  # a class of thirty beside who floods; the heaviest legal program takes half a second, so the last waits ten
EACH = 8  # of one member
PATIENCE_S = 20.0
STEP = 1 << 16


class Bench:
    """Children are started when they are first needed, used one program at a time, and replaced when they fail."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CHILDREN, thread_name_prefix="bench")  # each only waits for its child
        self._free: SimpleQueue[Child] = SimpleQueue()
        self._waiting: Counter[str] = Counter()

    async def inspect(self, program: Program, owner: str) -> str:
        """The program's requirement as JSON text.

        Raises:
            ProgramInvalid: with its place.
            TooMany: this owner has enough programs in the queue.
            Unavailable: the queue is full, or no answer came in time.
        """
        if self._waiting[owner] >= EACH:
            raise TooMany(f"{EACH} of your programs are being inspected already", retry_after=2)
        if self._waiting.total() >= QUEUE:
            raise Unavailable("too many heavy programs are being inspected; try again", retry_after=2)
        self._waiting[owner] += 1
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, program)
        finally:
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                del self._waiting[owner]
        if "fault" in answer:
            raise ProgramInvalid(**answer["fault"])
        text: str = answer["requirement"]
        return text

    def close(self) -> None:
        """End the children."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while True:
            try:
                self._free.get_nowait().end()
            except Empty:
                return

    def _ask(self, program: Program) -> dict[str, Any]:
        child = self._child()
        try:
            answer = child.ask(program)
        except (OSError, ValueError) as error:
            child.end()
            log.warning("a program was not inspected (%s): %s", program.sha256, error)
            raise Unavailable("the program was not inspected in time; try again", retry_after=5) from None
        self._free.put(child)
        return answer

    def _child(self) -> Child:
        """One that lives: what ended one of them while it was idle is not the next program's fault."""
        while True:
            try:
                child = self._free.get_nowait()
            except Empty:
                return Child()
            if child.lives():
                return child
            child.end()


class Child:
    """One process."""

    def __init__(self) -> None:
        command = (sys.executable, "-m", "broker.services.inspecting")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, program: Program) -> dict[str, Any]:
        """The answer.

        Raises:
            OSError: the child is gone, or does not answer in time.
            ValueError: what it says is none.
        """
        assert self._process.stdin is not None  # noqa: S101  PIPE
        asked = {"format": program.format.value, "source": program.source, "sha256": program.sha256}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  PIPE
        pipe, until, line = self._process.stdout, time.monotonic() + PATIENCE_S, bytearray()
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer in {PATIENCE_S:g} s")
            piece = pipe.read1(STEP)  # type: ignore[attr-defined]
            if not piece:
                raise ConnectionError("the child has ended")
            line += piece
        return bytes(line)

    def lives(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """No more."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was left in its buffer has nobody to go to
                    continue
