"""The door to the live stream: server-sent events with resume, read from the store's event numbers."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from broker.api import present
from broker.api.caller import KeyFirst, allow, needs, room_of, secret_of
from broker.api.jobs import PROBLEMS
from broker.api.lanes import Lasting
from broker.api.schemas import ID
from broker.domain.errors import Forbidden, RequestInvalid, Unauthenticated
from broker.domain.hub import Member
from broker.domain.lifecycle import TERMINAL
from broker.reads.moves import moves_of
from broker.services.feed import Cut, Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.api.room import Room
    from broker.store.events import StoredEvent

# One event of the stream; ``data`` is JSON in the form of a job's events.
MOVE = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data", "retry")},
}
router = APIRouter(prefix="/v1", tags=["events"], route_class=KeyFirst)
PAGE = 200
WINDOW = 5000  # moves of everybody that one read looks at
ENDS = {state.value for state in TERMINAL}
BEAT_S = 15.0
LOOK_S = 1.0  # an idle stream asks so often whether its key still stands
LONGEST_S = 3600.0
MAX_SEQ = 2**63 - 1
POSITION = re.compile(r"[0-9]{1,19}")  # as many digits as MAX_SEQ has; Python refuses to read 5,000 of them


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses=PROBLEMS | {200: {"content": {"text/event-stream": {"schema": MOVE}}}},
)
async def stream(
    request: Request,
    member: Annotated[Member, Depends(needs("jobs:read"))],
    job: Annotated[str | None, Query(max_length=64, pattern=ID)] = None,
    after: Annotated[int | None, Query(ge=0, le=MAX_SEQ)] = None,
    *,
    follow: bool = True,
) -> StreamingResponse:
    """Moves of the project's jobs as they happen, from ``Last-Event-ID`` (or ``after``) on, else from now on.

    With ``job``, that job's moves from its first on, until it ends. ``follow=false`` ends with what there is.
    """
    room = room_of(request)
    if job is not None:
        await run_in_threadpool(moves_of, room.store, member, job)
    start = _resume(request, after)
    if start is None:
        start = 0 if job is not None else await run_in_threadpool(_last, room)
    standing = Standing(room, room.keys.digest(secret_of(request) or ""), member)
    room.streams.enter(member.id)
    source = _while_good(_follow(room, standing, job, start, follow=follow))
    headers = {"Cache-Control": "no-store"}
    return Lasting(source, room.streams, member.id, media_type="text/event-stream", headers=headers)


def _resume(request: Request, after: int | None) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None:
        return after
    if not POSITION.fullmatch(text) or int(text) > MAX_SEQ:
        raise RequestInvalid("Last-Event-ID must be a number that this stream gave", pointer="/Last-Event-ID")
    return int(text)


def _last(room: Room) -> int:
    with room.store.read() as work:
        return work.events.last()


class Standing:
    """Whether who opened a stream may still read it: asked before every move, and while none comes."""

    def __init__(self, room: Room, digest: str, member: Member) -> None:
        self._room = room
        self._digest = digest
        self.member = member

    def check(self) -> None:
        """Look the key up again if that was not done within the cache's age. Blocks.

        Raises:
            Unauthenticated, Forbidden: the key has ended, or lost the scope or the project.
        """
        now = self._room.keys.again(self._digest, self._room.clock())
        allow(now, "jobs:read")
        if now.project != self.member.project:
            raise Forbidden("the key's member has left the project")

    async def ensure(self) -> None:
        """The same where it is not sure; costs nothing while no key has ended here and the last look is young."""
        if not self._room.keys.still(self._digest, self._room.clock()):
            await self._room.slow(self.check)


async def _while_good(source: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for text in source:
            yield text
    except (Unauthenticated, Forbidden):
        yield ": this API key has ended\n\n"
    except Cut:
        yield ": resume from the last id\n\n"


async def _follow(room: Room, standing: Standing, job: str | None, seq: int, *, follow: bool) -> AsyncIterator[str]:
    """What is in the store first, then what the feed tells: whoever listens before the last read misses nothing."""
    yield "retry: 1000\n\n"
    past = Past(room, standing, job, seq)
    if not follow:
        async for text in past.texts():
            yield text
        return
    async for text in past.texts():  # most of it, before anything has to wait in the feed's queue
        yield text
    member = standing.member
    listener = Listener(project=(member.organisation, member.project), job=job)
    await room.feed.join(listener)
    try:
        async for text in past.texts():
            yield text
        if not past.ended:
            async for text in _live(listener, standing, past.seq):
                yield text
    finally:
        room.feed.leave(listener)


class Past:
    """Moves that are in the store after a position, in windows of bounded work."""

    def __init__(self, room: Room, standing: Standing, job: str | None, seq: int) -> None:
        self._room = room
        self._standing = standing
        self._job = job
        self.seq = seq
        self.ended = False

    async def texts(self) -> AsyncIterator[str]:
        """All of them up to now."""
        more = True
        while more and not self.ended:
            moves, end, more, ended = await self._room.slow(self._page)
            for move in moves:
                await self._standing.ensure()
                self.seq = move.seq
                yield _text(move)
            self.seq, self.ended = max(self.seq, end), ended

    def _page(self) -> tuple[list[StoredEvent], int, bool, bool]:
        self._standing.check()
        member = self._standing.member
        with self._room.store.read() as work:
            if self._job is None:
                moves, end = work.events.window(
                    self.seq, WINDOW, organisation=member.organisation, project=member.project
                )
                return moves, end, end == self.seq + WINDOW, False
            # The job before its moves: whoever sees that it has ended then also sees its last move.
            watched = work.jobs.get(self._job)
            over = watched is not None and watched.state in TERMINAL
            moves = work.events.after(self.seq, PAGE, organisation=member.organisation, job=self._job)
            more = len(moves) == PAGE
            return moves, self.seq, more, over and not more


async def _live(listener: Listener, standing: Standing, seq: int) -> AsyncIterator[str]:
    """As it comes, until the job that is watched ends, or for ``LONGEST_S``."""
    loop = asyncio.get_running_loop()
    started = beat = loop.time()
    while loop.time() - started < LONGEST_S:
        moves = [move for move in await listener.heard(LOOK_S) if move.seq > seq]
        for move in moves:
            await standing.ensure()
            yield _text(move)
            if listener.job is not None and move.after in ENDS:
                return
        await standing.ensure()
        if loop.time() - beat > BEAT_S:
            beat = loop.time()
            yield ": still here\n\n"


def _text(move: StoredEvent) -> str:
    return f"id: {move.seq}\nevent: move\ndata: {json.dumps(present.event(move))}\n\n"
