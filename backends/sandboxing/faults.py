"""How does an exchange go wrong? An ASGI shell around a vendor's wire that plays the faults which the knobs hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from backends.sandboxing.knobs import Fault, Knobs, Trouble

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

KindOf = Callable[[str, str], str]
"""(method, path) → the kind of request that faults name: ``create``, ``read``, ``result`` …"""

Voice = Callable[[Fault], Response]
"""The vendor's own words for a throttle, an outage, a refused credential, an invalid request, an internal error."""

_SPOKEN = (
    Trouble.THROTTLE,
    Trouble.UNAVAILABLE,
    Trouble.UNAUTHORIZED,
    Trouble.INVALID,
    Trouble.ERROR_BEFORE,
)
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"

Message = MutableMapping[str, Any]


class Faults:
    """Outermost ASGI layer: it must see uvicorn's own ``send`` to be able to cut the connection."""

    def __init__(self, app: ASGIApp, knobs: Knobs, *, kind_of: KindOf, voice: Voice) -> None:
        self._app = app
        self._knobs = knobs
        self._kind_of = kind_of
        self._voice = voice
        self._landing: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        fault = self._knobs.draw(self._kind_of(scope["method"], scope["path"]))
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._play(fault, scope, receive, send)

    async def _play(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if fault.trouble in _SPOKEN:
            await self._voice(fault)(scope, receive, send)
        elif fault.trouble is Trouble.DROP_BEFORE:
            await _cut(send)
        elif fault.trouble is Trouble.LATE:
            self._land_later(fault.seconds, scope, body)
            await _cut(send)
        else:
            exchange = _Exchange(fault, send, await self._reply(scope, body))
            await _PLAYS[fault.trouble](exchange, self._voice)

    def _land_later(self, seconds: float, scope: Scope, body: bytes) -> None:
        async def land() -> None:
            await asyncio.sleep(seconds)
            await self._reply(scope, body)

        task = asyncio.get_running_loop().create_task(land())
        self._landing.add(task)
        task.add_done_callback(self._landing.discard)

    async def _reply(self, scope: Scope, body: bytes) -> list[Message]:
        """Let the request take effect and keep the answer back."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app(scope, _replay(body), keep)
        return said


class _Exchange:
    """One request that has taken effect, with its answer still in our hands."""

    def __init__(self, fault: Fault, send: Send, reply: list[Message]) -> None:
        self.fault = fault
        self.send = send
        self.start = next(message for message in reply if message["type"] == "http.response.start")
        self.body = b"".join(message.get("body", b"") for message in reply if message["type"] == "http.response.body")

    async def say(self, body: bytes, *, status: int | None = None, kind: bytes | None = None) -> None:
        """Send ``body`` with the answer's own headers."""
        headers = [pair for pair in self.start["headers"] if pair[0].lower() != b"content-length"]
        if kind:
            headers = [(b"content-type", kind)]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.send(
            {
                "type": "http.response.start",
                "status": status or self.start["status"],
                "headers": headers,
            }
        )
        await self.send({"type": "http.response.body", "body": body})


async def _drop(exchange: _Exchange, _: Voice) -> None:
    await _cut(exchange.send)


async def _truncate(exchange: _Exchange, _: Voice) -> None:
    await exchange.send(exchange.start)
    half = exchange.body[: max(len(exchange.body) // 2, 1)]
    await exchange.send({"type": "http.response.body", "body": half, "more_body": True})
    await asyncio.sleep(0.05)
    await _cut(exchange.send)


async def _garble(exchange: _Exchange, _: Voice) -> None:
    await exchange.say(b'{"cut short: ' + exchange.body[:5])


async def _slow(exchange: _Exchange, _: Voice) -> None:
    await exchange.send(exchange.start)
    for byte in exchange.body:
        await asyncio.sleep(exchange.fault.seconds / max(len(exchange.body), 1))
        await exchange.send({"type": "http.response.body", "body": bytes((byte,)), "more_body": True})
    await exchange.send({"type": "http.response.body", "body": b""})


async def _hang(exchange: _Exchange, _: Voice) -> None:
    await asyncio.sleep(exchange.fault.seconds)
    await exchange.say(exchange.body)


async def _bad_gateway(exchange: _Exchange, _: Voice) -> None:
    await exchange.say(_BAD_GATEWAY, status=502, kind=b"text/html")


async def _error(exchange: _Exchange, voice: Voice) -> None:
    await voice(exchange.fault)({"type": "http"}, _replay(b""), exchange.send)


_PLAYS: dict[Trouble, Callable[[_Exchange, Voice], Awaitable[None]]] = {
    Trouble.DROP_AFTER: _drop,
    Trouble.TRUNCATE: _truncate,
    Trouble.GARBLE: _garble,
    Trouble.SLOW: _slow,
    Trouble.HANG: _hang,
    Trouble.BAD_GATEWAY_AFTER: _bad_gateway,
    Trouble.ERROR_AFTER: _error,
}


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


async def _cut(send: Send) -> None:
    """Reset the TCP connection under uvicorn; under an in-process client, raise what a reset would."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the sandbox dropped the connection")
    transport.abort()
    await asyncio.sleep(0.01)  # uvicorn must notice before we return, or it tries to send a 500
