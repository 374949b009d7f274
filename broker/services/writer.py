"""How do hundreds of requests share one commit? One thread commits whatever has arrived while it committed."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, IntegrityError

from broker.domain.errors import IdempotencyInFlight, QsubmitError

if TYPE_CHECKING:
    from broker.services.submit import Admitted, Admitter, Submission

GROUP = 256

Waiting = tuple["Submission", "asyncio.AbstractEventLoop", "asyncio.Future[Admitted]"]


class Writer:
    """The single writer of a gateway process. There is no timer: a group is what waits when the last one is done."""

    def __init__(self, admitter: Admitter) -> None:
        self._admitter = admitter
        self._queue: deque[Waiting] = deque()
        self._wake = threading.Semaphore(0)
        self._in_flight: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._ringing = False
        self._stopping = False

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        self._stopping = True
        self._wake.release()
        self._thread.join(timeout=30)

    async def submit(self, submission: Submission) -> Admitted:
        """Wait for the durable commit of one submission.

        Raises:
            QsubmitError: refused; nothing was stored.
        """
        key = submission.idempotency_key and (submission.member.project, submission.idempotency_key)
        if key and key in self._in_flight:
            raise IdempotencyInFlight("a request with this Idempotency-Key is being admitted right now")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Admitted] = loop.create_future()
        if key:
            self._in_flight.add(key)
        try:
            self._queue.append((submission, loop, answer))
            self._ring_from(loop)
            return await asyncio.shield(answer)
        finally:
            if key:
                self._in_flight.discard(key)

    def _ring_from(self, loop: asyncio.AbstractEventLoop) -> None:
        # Behind everything that is ready now: requests that arrived together are to meet in one commit, and a thread
        # that wakes at the first of them takes the interpreter from the others.
        if not self._ringing:
            self._ringing = True
            loop.call_soon(self._ring)

    def _ring(self) -> None:
        self._ringing = False
        self._wake.release()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            while group := self._take():
                self._commit(group)
            if self._stopping:
                return

    def _take(self) -> list[Waiting]:
        group: list[Waiting] = []
        while self._queue and len(group) < GROUP:
            group.append(self._queue.popleft())
        return group

    def _commit(self, group: list[Waiting]) -> None:
        answers = self._answers([submission for submission, _, _ in group])
        pairs = [(future, answer) for (_, _, future), answer in zip(group, answers, strict=True)]
        group[0][1].call_soon_threadsafe(_answer, pairs)

    def _answers(self, group: list[Submission]) -> list[Admitted | BaseException]:
        try:
            return list(self._admitter.admit(group))
        except (DataError, IntegrityError) as error:
            # One submission that the database refuses must not take the others of its group with it.
            if len(group) == 1:
                return [error]
            return [answer for each in group for answer in self._answers([each])]
        except Exception as error:  # noqa: BLE001  every waiting request must get an answer
            return [error for _ in group]


def _answer(pairs: list[tuple[asyncio.Future[Admitted], Admitted | BaseException]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)


__all__ = ["QsubmitError", "Writer"]
