"""Who acts next? A clock and a queue of events; code that waits deep inside a call parks, and others act meanwhile.

Real code is synchronous: a worker that sleeps inside ``backend.submit`` must keep its stack while another one runs.
Each parked stack has a thread of its own, but exactly one thread runs at any time, so that a schedule is a pure
function of its seed. A hand-over costs about 3 µs; a sleep during which nothing else happens costs none.
"""

from __future__ import annotations

import _thread
import threading
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Crash(BaseException):
    """The process died here; nothing of ours may catch it."""


class Violation(BaseException):
    """An invariant does not hold. No ``except Exception`` of the code under test may swallow it."""


class Abort(BaseException):
    """The schedule is over: unwind whatever is still parked."""


class Parked:
    """A stack that waits for its turn."""

    __slots__ = ("abort", "actor", "lock", "waiting")

    def __init__(self, actor: str) -> None:
        self.actor = actor
        self.lock = _thread.allocate_lock()
        self.lock.acquire()
        self.waiting = True
        self.abort = False


class Stage:
    """One schedule's events. Times are integer microseconds since its start."""

    def __init__(self, crew: Crew) -> None:
        self.now = 0
        self.actor = ""
        self.failure: BaseException | None = None
        self.steps = 0
        self._crew = crew
        self._heap: list[tuple[int, int, str, Callable[[], None] | Parked]] = []
        self._order = 0
        self._parked: dict[Parked, None] = {}
        self._until = 0
        self._most = 0

    def at(self, when: int, actor: str, act: Callable[[], None] | Parked) -> None:
        """Let ``actor`` act at a time, not before now; equal times in the order of asking."""
        self._order += 1
        heappush(self._heap, (max(when, self.now), self._order, actor, act))

    def sleep(self, duration: int) -> None:
        """Let time pass inside a call; others act meanwhile."""
        wake = self.now + duration
        if not self._heap or self._heap[0][0] > wake:
            self.now = wake
            return
        parked = self.park()
        self.at(wake, self.actor, parked)
        self.wait(parked)

    def park(self) -> Parked:
        """A place to wait in; whoever wants to end the wait puts it on the stage with ``at``."""
        parked = Parked(self.actor)
        self._parked[parked] = None
        return parked

    def wait(self, parked: Parked) -> None:
        """Give the stage away until ``parked`` has its turn."""
        self._crew.hire(self._play)
        parked.lock.acquire()
        self._parked.pop(parked, None)
        if parked.abort:
            raise Abort
        self.actor = parked.actor

    def run(self, *, until: int, most: int) -> None:
        """Play until nothing is left to happen, time is over, or something failed."""
        self._until, self._most = until, most
        self._crew.hire(self._play)
        self._crew.over.acquire()

    def _play(self) -> Callable[[], None] | None:
        """Act until the stage must go to another stack; what to do last, after this thread is free for hire."""
        while True:
            act = self._next()
            if act is None:
                parked = next(iter(self._parked), None)
                if parked is None:
                    return self._crew.over.release
                del self._parked[parked]
                parked.abort = True
                return parked.lock.release
            if isinstance(act, Parked):
                act.waiting = False
                return act.lock.release
            try:
                act()
            except Abort:
                pass
            except BaseException as failure:  # noqa: BLE001  whatever it is, the schedule has failed
                self.failure = self.failure or failure

    def _next(self) -> Callable[[], None] | Parked | None:
        while self._heap and self.failure is None:
            when, _, actor, act = heappop(self._heap)
            if when > self._until:
                return None
            if isinstance(act, Parked) and not act.waiting:
                continue
            self.steps += 1
            if self.steps > self._most:
                self.failure = Violation(f"2: no end after {self._most} steps")
                return None
            self.now, self.actor = when, actor
            return act
        return None


class Crew:
    """The threads of one process, kept for all its schedules; at most one runs at any time."""

    def __init__(self) -> None:
        self.over = _thread.allocate_lock()
        self.over.acquire()
        self._idle: list[_Hand] = []

    def hire(self, play: Callable[[], Callable[[], None] | None]) -> None:
        """Let an idle thread play."""
        hand = self._idle.pop() if self._idle else _Hand(self._idle)
        hand.play = play
        hand.lock.release()


class _Hand:
    def __init__(self, idle: list[_Hand]) -> None:
        self.lock = _thread.allocate_lock()
        self.lock.acquire()
        self.play: Callable[[], Callable[[], None] | None] = lambda: None
        self._idle = idle
        threading.Thread(target=self._run, name="stage", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.lock.acquire()
            last = self.play()
            self._idle.append(self)
            if last is not None:
                last()
