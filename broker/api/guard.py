"""What is refused before anything is read? Bodies that are too large, and callers that are too fast."""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from broker.api.errors import problem
from broker.domain.bounded import Bounded
from broker.domain.errors import TooMany, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 10_000
MOST_DIGITS = 18  # of a length; Python refuses to read 5,000 of them
BODIES = 64 << 20  # bytes of bodies in hand at once, all callers together; one member has a quarter of it
MEMBER = "qsubmit.member"  # in the scope, once a key was found good
FAILURES_PER_S = 5.0  # of one address; a lookup of an unknown key costs a thread and a query
FAILURES = 100


class BodyLimit:
    """Refuses a body over ``limit`` bytes by its declared length, or as soon as that much has arrived."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._in_hand = InHand(BODIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_body = False
        for name, value in scope["headers"]:
            if name == b"content-length":
                if not _is_length(value) or int(value) > self._limit:
                    await self._refuse(scope, receive, undrained(send))
                    return
                has_body = value != b"0"
            elif name == b"transfer-encoding":
                has_body = True
        if not has_body:
            await self._app(scope, receive, send)
            return
        body = Body(scope, receive, send, limit=self._limit, in_hand=self._in_hand)
        try:
            await self._app(scope, body.receive, body.send)
        except TooLarge:  # met by a door that has no error handlers of its own
            await self._refuse(scope, receive, body.send)
        finally:
            body.let_go()

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(413, "too_large", _too_large(self._limit))
        await answer(scope, receive, send)


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= MOST_DIGITS


class Body:
    """One request's body on its way: counted, and where it was not read to its end, the connection ends."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit: int, in_hand: InHand) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._in_hand = in_hand
        self._owner: str | None = None
        self._taken = 0
        self._whole = False

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            TooLarge: it has grown over the limit.
            Unavailable: all bodies together, or those of this member, take too much memory now.
        """
        message = await self._receive()
        size = len(message.get("body", b""))
        if self._taken + size > self._limit:
            raise TooLarge(self._limit)
        if self._owner is None:
            member = self._scope.get(MEMBER)
            self._owner = "" if member is None else member.id
        self._in_hand.take(self._owner, size)
        self._taken += size
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on."""
        await (self._send if self._whole else undrained(self._send))(message)

    def let_go(self) -> None:
        """The request is answered."""
        self._in_hand.give(self._owner or "", self._taken)


def undrained(send: Send) -> Send:
    """The connection ends with this answer: nobody reads what is left of the request."""

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing


class InHand:
    """How many bytes of requests are held in memory now, together and for each member."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, int] = {}
        self.bytes = 0

    def take(self, owner: str, size: int) -> None:
        """Count them in.

        Raises:
            Unavailable: there is no room for them now.
        """
        mine = self._of.get(owner, 0) + size
        if self.bytes + size > self._most or mine > self._most // 4:
            raise Unavailable("too many large requests are being read; try again", retry_after=1)
        self.bytes += size
        self._of[owner] = mine

    def give(self, owner: str, size: int) -> None:
        """Count them out."""
        self.bytes -= size
        left = self._of.get(owner, 0) - size
        if left > 0:
            self._of[owner] = left
        else:
            self._of.pop(owner, None)


class TooLarge(HTTPException):
    """A body without a declared length grew over the limit.

    An HTTPException, because FastAPI turns every other error that it meets while it reads a body into a 400.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(413, _too_large(limit))


def _too_large(limit: int) -> str:
    return f"a body may have at most {limit} bytes"


class RateLimit:
    """Token buckets by name: ``rate`` per second on average, ``burst`` at once; the longest unused is forgotten."""

    def __init__(self, rate: float, burst: int, said: str = "your API keys send too many requests") -> None:
        self._rate = rate
        self._burst = float(burst)
        self._said = said
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Use one token.

        Raises:
            TooMany: none is left; says when there will be.
        """
        now, tokens = self._look(name)
        self._buckets[name] = (tokens - 1, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)

    def check(self, name: str) -> None:
        """Use none.

        Raises:
            TooMany: none is left.
        """
        self._look(name)

    def _look(self, name: str) -> tuple[float, float]:
        now = time.monotonic()
        tokens, then = self._buckets.get(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        if tokens < 1:
            raise TooMany(self._said, retry_after=(1 - tokens) / self._rate)
        return now, tokens


class Strangers:
    """How often an address may be wrong about its key.

    Keys that were good before are let through: their owner may share the address (a proxy, a campus) with who guesses.
    """

    def __init__(self) -> None:
        self._failures = RateLimit(FAILURES_PER_S, FAILURES, "this address sends too many requests without a good key")
        self._good: Bounded[int, str] = Bounded(most=KEPT, most_bytes=0)

    def ask(self, address: str, secret: str) -> None:
        """Before a key is looked up.

        Raises:
            TooMany: this address was wrong too often.
        """
        if hash(secret) not in self._good:
            self._failures.check(address)

    def good(self, secret: str) -> None:
        """The key is known."""
        self._good.put(hash(secret), "good")

    def wrong(self, address: str) -> None:
        """There was no key, or not a good one.

        Raises:
            TooMany: this address was wrong too often.
        """
        self._failures.take(address)


class Places:
    """How many of something slow may be open at once, together and for each member."""

    def __init__(self, what: str, *, most: int, each: int) -> None:
        self._what = what
        self._most = most
        self._each = each
        self._of: dict[str, int] = {}
        self.taken = 0

    def enter(self, member: str) -> None:
        """Take a place; give it back with ``leave``.

        Raises:
            TooMany: there is none left.
        """
        mine = self._of.get(member, 0)
        if mine >= self._each:
            raise TooMany(f"you have {mine} {self._what} open, the most that a member may", retry_after=1)
        if self.taken >= self._most:
            raise TooMany(f"{self.taken} {self._what} are open, the most that this gateway holds", retry_after=1)
        self._of[member] = mine + 1
        self.taken += 1

    def leave(self, member: str) -> None:
        """Give a place back."""
        self.taken -= 1
        self._of[member] -= 1
        if not self._of[member]:
            del self._of[member]

    @contextmanager
    def place(self, member: str) -> Iterator[None]:
        """A place for the length of a block."""
        self.enter(member)
        try:
            yield
        finally:
            self.leave(member)
