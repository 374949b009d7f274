"""What may a stranger's connection cost? Bounds on heads, pipelines, time and number, before anything is asked.

uvicorn bounds none of these; this is its protocol class with them: ``uvicorn --http broker.api.connection:Connection``.
"""

from __future__ import annotations

import json
import resource
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from broker.api.errors import TITLES, problem

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

HEAD_BYTES = 32 << 10  # request line and headers; browsers send less than 8 KiB, a trace's baggage at most as much
URL_BYTES = 8 << 10
HEADERS = 100
SLICE = 16 << 10  # fed to the parser at a time, because it keeps a header that has not ended
PIPELINE = 16  # requests that were sent before the one in front of them was answered
HEAD_S = 10.0  # from the first moment to a whole head
BODY_S = 10.0  # from the head to the body's end, and a second more for each BODY_RATE bytes
BODY_RATE = 16 << 10
STALL_S = 30.0  # a reader that takes less than a STEP in so long is gone
STEP = 64 << 10
LINGER_S = 2.0  # how long we listen to a body that nobody reads, so that its sender can still read our answer
LINGER_BYTES = 1 << 20
BUSY = 1000  # requests that are being answered at once; streams have a bound of their own
RESERVED = 256  # file descriptors for the database, the queue and what the process itself has open
MOST = 20_000  # connections, whatever the system allows
WORDS = {400: "request_invalid", 414: "too_large", 429: "rate_limited", 431: "too_large"}
IDLE, HEAD, BODY = "idle", "head", "body"


class Refused(Exception):
    """The head is beyond its bounds; the status says which one."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Doorkeeper:
    """What the connections of one server share: who waits for a head, and the round that looks for the late."""

    servers: ClassVar[WeakKeyDictionary[ServerState, Doorkeeper]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: set[Any]) -> None:
        self._loop = loop
        self._connections = connections
        self.waiting: OrderedDict[Connection, None] = OrderedDict()
        self.most = connections_allowed()
        self._round()

    @classmethod
    def of(cls, state: ServerState, loop: asyncio.AbstractEventLoop) -> Doorkeeper:
        """The one of this server."""
        found = cls.servers.get(state)
        if found is None:
            found = cls.servers[state] = cls(loop, state.connections)
        return found

    def full(self) -> bool:
        """Whether there is no place for the newcomer, even after the one that has waited longest was sent away.

        Half-open and idle connections give way, oldest first: a request's head follows its connection in
        milliseconds, so whoever has sent none for longer is the one to lose.
        """
        if len(self._connections) <= self.most:
            return False
        if not self.waiting:
            return True
        oldest, _ = self.waiting.popitem(last=False)
        oldest.transport.abort()
        return False

    def crowded(self) -> bool:
        """Whether so many are here that nobody may stay for courtesy: the reserve is for accepted work."""
        return len(self._connections) > self.most + RESERVED // 4

    def _round(self) -> None:
        now = self._loop.time()
        for connection in tuple(self._connections):
            if isinstance(connection, Connection) and connection.late(now):
                connection.transport.abort()
        self._loop.call_later(1.0, self._round)


def connections_allowed() -> int:
    """As many as the process may have files open, less those that accepted work needs; the soft limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + RESERVED if hard == resource.RLIM_INFINITY else min(hard, MOST + RESERVED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft - RESERVED))


class Connection(HttpToolsProtocol):
    """One connection: uvicorn's, with bounds. ``_phase`` is what we read: nothing (idle), a head or a body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or be sent away."""
        super().connection_made(transport)
        self._since = self._marked = self.loop.time()
        self._phase = IDLE
        self._head = self._body = self._silent = self._written = self._taken = 0
        self._began = self._lingers = False
        self._refused: Refused | None = None
        self._serving = self.app
        self._keeper = Doorkeeper.of(self.server_state, self.loop)
        if self._keeper.full():  # asked before it waits itself: it is not the one to give way to itself
            self._say(503, "unavailable", "too many connections; try again", more=b"retry-after: 1\r\n")
            return
        self._keeper.waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._keeper.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser in slices while it reads a head, so that it never keeps more than the bound."""
        if self._lingers:
            self._body += len(data)
            if self._body > LINGER_BYTES:
                self.transport.abort()
            return
        while data and not self.is_closing():
            size = len(data) if self._phase is BODY else SLICE
            part, data = data[:size], data[size:]
            self._began = False
            self._silent += len(part)
            self._body += len(part)
            super().data_received(part)
            if self._silent > HEAD_BYTES and not self._began and not self.is_closing():
                self._refused = Refused(431, f"a head may have at most {HEAD_BYTES} bytes")
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._phase, self._began = HEAD, True
        self._head = self._silent = 0
        self._since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line's target."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            raise self._refuse(414, f"a path and its query may have at most {URL_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header, or a trailer."""
        super().on_header(name, value)
        self._head += len(name) + len(value)
        if len(self.headers) > HEADERS or self._head > HEAD_BYTES:
            raise self._refuse(431, f"a head may have at most {HEADERS} headers and {HEAD_BYTES} bytes")

    def on_headers_complete(self) -> None:
        """The request is passed on, or told that there are too many."""
        self._phase = BODY
        self._body = self._silent = 0
        self._since = self.loop.time()
        self._keeper.waiting.pop(self, None)
        if len(self.pipeline) >= PIPELINE:
            raise self._refuse(429, f"at most {PIPELINE} requests may wait on one connection")
        self.app = self._serving if len(self.tasks) < BUSY else busy
        super().on_headers_complete()
        self.cycle.transport = self  # type: ignore[assignment]  # how it ends is ours to decide: see close()

    def on_body(self, body: bytes) -> None:
        """A piece of the body: what the parser keeps for itself is none."""
        self._silent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._phase = IDLE
        self._silent = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or close where the sender goes on with a body that nobody reads."""
        if self.cycle.more_body and not self.pipeline:
            self.server_state.total_requests += 1
            self.close()
            return
        super().on_response_complete()
        if not self.pipeline and not self.transport.is_closing():
            self._keeper.waiting[self] = None

    def _refuse(self, status: int, detail: str) -> Refused:
        self._refused = Refused(status, detail)
        return self._refused

    def _should_upgrade_to_ws(self) -> bool:
        return False  # there is no door for them, and no bound would hold there

    # What the cycle sees of the transport.

    def write(self, data: bytes) -> None:
        """Pass on, unless our half is closed."""
        if self._lingers:
            return
        self._written += len(data)
        self.transport.write(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._lingers or self.transport.is_closing()

    def close(self) -> None:
        """Close; after an answer to a request that is still being sent, only our half first.

        A socket that is closed with unread bytes in it sends a reset, and that may overtake the answer.
        """
        if self.is_closing():
            return
        if self._phase is BODY:
            self._linger()
            return
        self.transport.close()

    def _linger(self) -> None:
        if not self.transport.can_write_eof() or self._keeper.crowded():
            self.transport.close()
            return
        self._lingers, self._since, self._body = True, self.loop.time(), 0
        self.transport.write_eof()
        self.flow.resume_reading()

    def late(self, now: float) -> bool:
        """Whether this one has had its time: to send a head or a body, to take what we send, or to go."""
        if self._lingers:
            return now - self._since > LINGER_S
        if self.transport.get_write_buffer_size():
            return self._takes_nothing(now)
        self._marked = now
        if self.flow.read_paused:  # it is we who are slow
            self._since = now
            return False
        if self._phase is BODY:
            return not self.cycle.response_complete and now - self._since > BODY_S + self._body / BODY_RATE
        # Idle after a request is uvicorn's keep-alive timer's, and idle during one is waiting for us.
        return (self._phase is HEAD or self.cycle is None) and now - self._since > HEAD_S

    def _takes_nothing(self, now: float) -> bool:
        taken = self._written - self.transport.get_write_buffer_size()
        if taken - self._taken >= STEP:
            self._taken, self._marked = taken, now
        return now - self._marked > STALL_S

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the base class calls it so
        """A problem, whatever was wrong with the bytes."""
        cycle: RequestResponseCycle | None = vars(self)["cycle"]
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.abort()  # in the middle of another answer there is no place for this one
            return
        found = self._refused or Refused(400, "this is no HTTP request")
        self._say(found.status, WORDS[found.status], found.detail)

    def _say(self, status: int, code: str, detail: str, *, more: bytes = b"") -> None:
        body = json.dumps({"type": f"urn:qsubmit:error:{code}", "title": TITLES.get(status, "Error"), "status": status,
                           "code": code, "detail": detail}).encode()  # fmt: skip
        head = f"HTTP/1.1 {status} {TITLES.get(status, 'Error')}\r\ncontent-type: application/problem+json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n"
        self.transport.write(head.encode() + more + b"\r\n" + body)
        self._linger()  # its sender has sent more than we have read


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer while as many requests as we can hold are being answered."""
    answer = problem(503, "unavailable", "the gateway is busy; try again", retry_after=1)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
