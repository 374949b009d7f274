"""What is refused before anything is read? Bodies that are too large, and callers that are too fast."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from broker.api.errors import problem
from broker.domain.errors import TooMany

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 10_000
MOST_DIGITS = 18  # of a length; Python refuses to read 5,000 of them


class BodyLimit:
    """Refuses a body over ``limit`` bytes by its declared length, or as soon as that much has arrived."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and (not _is_length(value) or int(value) > self._limit):
                await self._refuse(scope, receive, send)
                return
        try:
            await self._app(scope, self._counted(receive), send)
        except TooLarge:  # met by a door that has no error handlers of its own
            await self._refuse(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        left = self._limit

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge(self._limit)
            return message

        return counted

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(413, "too_large", _too_large(self._limit))
        await answer(scope, receive, send)


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= MOST_DIGITS


class TooLarge(HTTPException):
    """A body without a declared length grew over the limit.

    An HTTPException, because FastAPI turns every other error that it meets while it reads a body into a 400.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(413, _too_large(limit))


def _too_large(limit: int) -> str:
    return f"a body may have at most {limit} bytes"


class RateLimit:
    """A token bucket per key: ``rate`` per second on average, ``burst`` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Use one token.

        Raises:
            TooMany: none is left; says when there will be.
        """
        now = time.monotonic()
        tokens, then = self._buckets.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        if tokens < 1:
            raise TooMany("this API key sends too many requests", retry_after=(1 - tokens) / self._rate)
        if len(self._buckets) >= KEPT:
            self._buckets.clear()
        self._buckets[key] = (tokens - 1, now)
