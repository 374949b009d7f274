"""What may take long? Slow reads, in a few threads of their own; long answers, of which each member has so many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from broker.api.guard import Places

T = TypeVar("T")
# Half of a PostgreSQL pool: key look-ups and the writer always find a connection in the other half.
AT_ONCE = 4


class SlowLane:
    """Lists, pages of streams, pieces of results, dashboards and metrics."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._running: dict[str, asyncio.Future[Any]] = {}

    async def __call__(self, read: Callable[[], T]) -> T:
        """What ``read`` returns, once it had its turn."""
        return await anyio.to_thread.run_sync(read, limiter=self._limiter)

    async def together(self, name: str, read: Callable[[], T]) -> T:
        """The same for what anybody may ask: who asks while one read runs gets the answer of that one."""
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = asyncio.ensure_future(self(read))
            running.add_done_callback(lambda _: self._running.pop(name, None))
        found: T = await asyncio.shield(running)
        return found


class Lasting(StreamingResponse):
    """An answer in pieces; its place, which the door has taken, is given back when it ends, however that is."""

    def __init__(
        self,
        source: AsyncIterator[str] | AsyncIterator[bytes],
        places: Places,
        member: str,
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(source, media_type=media_type, headers=headers)
        self._places = places
        self._member = member

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.leave(self._member)
