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
from broker.api.caller import allow, needs, room_of, secret_of
from broker.api.jobs import PROBLEMS
from broker.api.schemas import ID
from broker.domain.errors import Forbidden, RequestInvalid, Unauthenticated
from broker.domain.hub import Member
from broker.domain.lifecycle import TERMINAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.api.room import Room
    from broker.store.events import StoredEvent

router = APIRouter(prefix="/v1", tags=["events"])
PAGE = 200
POLL_S = 0.25
BEAT_S = 15.0
LONGEST_S = 3600.0
MAX_SEQ = 2**63 - 1
POSITION = re.compile(r"[0-9]{1,19}")  # as many digits as MAX_SEQ has; Python refuses to read 5,000 of them


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses=PROBLEMS | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
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
        await run_in_threadpool(room.look.events, member, job)
    start = _resume(request, after)
    if start is None:
        start = 0 if job is not None else await run_in_threadpool(_last, room)
    standing = Standing(room, room.keys.digest(secret_of(request) or ""), member)
    source = _while_good(_follow(room, standing, job, start, follow=follow))
    return StreamingResponse(source, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _resume(request: Request, after: int | None) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None:
        return after
    if not POSITION.fullmatch(text) or int(text) > MAX_SEQ:
        raise RequestInvalid("Last-Event-ID must be a number that this stream gave", pointer="/Last-Event-ID")
    return int(text)


class Standing:
    """Whether who opened a stream may still read it: asked before every page, and again before its later events."""

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

    def sure(self) -> bool:
        """Whether nothing has happened to any key here since the last look, which is young enough."""
        return self._room.keys.still(self._digest, self._room.clock())


async def _while_good(source: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for text in source:
            yield text
    except (Unauthenticated, Forbidden):
        yield ": this API key has ended\n\n"


def _last(room: Room) -> int:
    with room.store.read() as work:
        return work.events.last()


async def _follow(room: Room, standing: Standing, job: str | None, seq: int, *, follow: bool) -> AsyncIterator[str]:
    member = standing.member

    def page() -> tuple[list[StoredEvent], bool]:
        standing.check()
        with room.store.read() as work:
            # The job before its moves: whoever sees that it has ended then also sees its last move.
            watched = None if job is None else work.jobs.get(job)
            over = watched is not None and watched.state in TERMINAL
            moves = work.events.after(seq, PAGE, organisation=member.organisation, project=member.project, job=job)
            return moves, over and len(moves) < PAGE

    yield "retry: 1000\n\n"
    loop = asyncio.get_running_loop()
    started = beat = loop.time()
    while loop.time() - started < LONGEST_S:
        moves, ended = await run_in_threadpool(page)
        for move in moves:
            if move is not moves[0] and not standing.sure():
                break  # ask again from here on: a slow reader may have been at this page for long
            seq = move.seq
            yield f"id: {move.seq}\nevent: move\ndata: {json.dumps(present.event(move))}\n\n"
        if moves and seq != moves[-1].seq:
            continue
        if ended or (not follow and len(moves) < PAGE):
            return
        if loop.time() - beat > BEAT_S:
            beat = loop.time()
            yield ": still here\n\n"
        if len(moves) < PAGE:
            await asyncio.sleep(POLL_S)
