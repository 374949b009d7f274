"""Who hears of a move? One look at the newest moves for a whole gateway process, shared by all who listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.feed")
POLL_S = 0.25
PAGE = 1000
QUEUE = 1000  # moves that wait for one listener; who is slower than that is cut, and may resume


class Cut(Exception):
    """The listener was too slow, or the feed has stopped; what it has not heard is in the store."""


@dataclass(eq=False)
class Listener:
    """One who listens, from the position ``since`` on; everything up to it is to be read from the store."""

    project: tuple[str, str]
    job: str | None
    since: int = 0
    over: bool = False
    moves: asyncio.Queue[StoredEvent] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, move: StoredEvent) -> None:
        """Take a move, or be cut."""
        if self.over or (self.job is not None and self.job != move.job):
            return
        try:
            self.moves.put_nowait(move)
        except asyncio.QueueFull:
            self.over = True
        self.came.set()

    async def heard(self, wait_s: float) -> list[StoredEvent]:
        """What has come, in order; nothing if nothing comes in time.

        Raises:
            Cut: something was left out.
        """
        if self.moves.empty() and not self.over:
            self.came.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.came.wait(), wait_s)
        if self.over:
            raise Cut
        return [self.moves.get_nowait() for _ in range(self.moves.qsize())]


class Feed:
    """Looks while somebody listens. Everything but the read itself happens on the event loop, so nothing needs a lock.

    A listener that joined at a position gets every move after it, once and in order: numbers are given in the order of
    commits (store/events.py), the position is that of the last look, and the next look begins there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: dict[tuple[str, str], set[Listener]] = defaultdict(set)
        self._position = 0
        self._task: asyncio.Task[None] | None = None
        self._starting: asyncio.Lock | None = None

    async def join(self, listener: Listener) -> None:
        """Begin to listen."""
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._task is None or self._task.done():
                self._position = await asyncio.to_thread(self._last)
                self._task = asyncio.create_task(self._run())
            listener.since = self._position
            self._listeners[listener.project].add(listener)

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        mine = self._listeners.get(listener.project, set())
        mine.discard(listener)
        if not mine:
            self._listeners.pop(listener.project, None)

    async def stop(self) -> None:
        """Cut everybody and end."""
        self._cut()
        if self._task is None or self._task.done():
            return
        loop = self._task.get_loop()
        if loop is not asyncio.get_running_loop():  # whoever began to listen was served by another loop
            loop.call_soon_threadsafe(self._task.cancel)
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _cut(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.over = True
                listener.came.set()

    def _last(self) -> int:
        with self._store.read() as work:
            return work.events.last()

    def _new(self) -> list[tuple[StoredEvent, str]]:
        with self._store.read() as work:
            return work.events.newest(self._position, PAGE)

    async def _run(self) -> None:
        while self._listeners:
            try:
                found = await asyncio.to_thread(self._new)
            except Exception:
                # An outage is no gap: the next look begins where the last one ended.
                log.exception("the newest moves cannot be read")
                found = []
            for move, project in found:
                for listener in tuple(self._listeners.get((move.organisation, project), ())):
                    listener.tell(move)
                self._position = move.seq
            if len(found) < PAGE:
                await asyncio.sleep(POLL_S)
