"""How do jobs move, as it happens? The event stream where it works, polling where it does not, nothing twice."""

from __future__ import annotations

import time
from http.client import HTTPException

from qsubmit import sse
from qsubmit.errors import QsubmitError, TimedOut, Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from http.client import HTTPResponse
    from typing import Protocol

    from qsubmit.shapes import Event

    class Source(Protocol):
        """Who has the events: a client, as far as this file needs to know one."""

        def job_events(self, job: str) -> Sequence[Event]:
            """The moves of one job so far, oldest first."""

        def open_stream(self, *, job: str | None, after: int | None, timeout: float) -> HTTPResponse:
            """The raw event stream."""


TERMINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
LOOK_S = 10.0
QUIET_S = 25.0  # the server gives a sign of life every 15 s
STREAM_TRIES = 3
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 120.0


class Follower:
    """The events of some jobs until each has ended. ``None`` in between says: alive, nothing new.

    Each round reads the jobs' stored events first and opens the stream after the last one seen, so that neither a
    lost connection nor a server without a stream can hide a move.
    """

    def __init__(
        self,
        client: Source,
        jobs: Sequence[str],
        *,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._seen = dict.fromkeys(jobs, 0)
        self._live = dict.fromkeys(jobs)
        self._clock, self._sleep = clock, sleep
        self._timeout = timeout
        self._until = None if timeout is None else clock() + timeout
        self._looked = self._reached = clock()
        self._stream_tries = STREAM_TRIES

    def events(self) -> Iterator[Event | None]:
        """Every move, oldest first per job.

        Raises:
            TimedOut: the time is over and a job still lives.
            Unreachable: the server has been away for two minutes.
        """
        pause = FIRST_PAUSE_S
        while True:
            count = sum(self._seen.values())
            yield from self._catch_up()
            if self._live and self._stream_tries > 0:
                yield from self._stream()
            if not self._live:
                return
            pause = FIRST_PAUSE_S if sum(self._seen.values()) != count else min(pause * 1.5, LONGEST_PAUSE_S)
            self._rest(pause)
            yield None

    def _rest(self, pause: float) -> None:
        left = self._left()
        self._sleep(pause if left is None else min(pause, left))

    def _left(self) -> float | None:
        if self._until is None:
            return None
        left = self._until - self._clock()
        if left > 0:
            return left
        jobs = "the job" if len(self._live) == 1 else f"{len(self._live)} jobs"
        raise TimedOut(
            f"{jobs} did not end within {self._timeout:g} s; still running on the server",
            hint=f"qsubmit watch {' '.join(self._live)}",
        )

    def _catch_up(self) -> Iterator[Event]:
        self._looked = self._clock()
        for job in list(self._live):
            self._left()
            try:
                events = self._client.job_events(job)
            except QsubmitError as trouble:
                self._bear(trouble)
                return
            self._reached = self._clock()
            yield from self._fresh(events)

    def _bear(self, trouble: QsubmitError) -> None:
        # The server may be restarting; the job is stored there, so waiting loses nothing.
        away = isinstance(trouble, Unreachable) or (trouble.status or 0) >= 500  # noqa: PLR2004  5xx
        if not away or self._clock() - self._reached > PATIENCE_S:
            raise trouble

    def _fresh(self, events: Sequence[Event]) -> Iterator[Event]:
        for event in events:
            job = event["job_id"]
            if event["id"] <= self._seen.get(job, event["id"]):
                continue
            self._seen[job] = event["id"]
            if event["state"] in TERMINAL:
                self._live.pop(job, None)
            yield event

    def _stream(self) -> Iterator[Event | None]:
        before = sum(self._seen.values())
        try:
            response = self._open()
        except QsubmitError as trouble:
            self._stream_tries -= 1
            if isinstance(trouble, Unreachable):
                self._bear(trouble)
            return
        try:
            yield from self._listen(response)
        except (OSError, HTTPException, ValueError):
            pass  # quiet for too long, or cut: the next round catches up and opens it again
        finally:
            response.close()
        if sum(self._seen.values()) == before and self._clock() - self._looked < 1.0:
            self._stream_tries -= 1

    def _open(self) -> HTTPResponse:
        left = self._left()
        jobs = list(self._live)
        timeout = QUIET_S if left is None else min(QUIET_S, left + 0.05)
        return self._client.open_stream(
            job=jobs[0] if len(jobs) == 1 else None,
            after=min(self._seen[job] for job in jobs),
            timeout=timeout,
        )

    def _listen(self, response: HTTPResponse) -> Iterator[Event | None]:
        for event in sse.parse(response):
            if event is not None:
                yield from self._fresh([event])
            if not self._live:
                return
            self._left()
            if self._clock() - self._looked > LOOK_S:
                yield None
                yield from self._catch_up()


def stream(client: Source, *, job: str | None, after: int | None) -> Iterator[Event]:
    """Events without end, resumed after the last one seen whenever the connection breaks."""
    failures = 0
    while True:
        try:
            with client.open_stream(job=job, after=after, timeout=QUIET_S * 4) as response:
                for event in sse.parse(response):
                    failures = 0
                    if event is not None and (after is None or event["id"] > after):
                        after = event["id"]
                        yield event
        except (Unreachable, OSError, HTTPException):
            failures += 1
            if failures > STREAM_TRIES:
                raise
        time.sleep(min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S))
