"""The door to the live stream: server-sent events with resume, read from the store's event numbers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from broker.api import present
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS
from broker.api.schemas import ID
from broker.domain.errors import RequestInvalid
from broker.domain.hub import Member
from broker.domain.lifecycle import TERMINAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.api.room import Room
    from broker.store.events import StoredEvent

router = APIRouter(prefix="/v1", tags=["events"], route_class=KeyFirst)
PAGE = 200
POLL_S = 0.25
BEAT_S = 15.0
LONGEST_S = 3600.0
MAX_SEQ = 2**63 - 1


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
    source = _follow(room, member, job, start, follow=follow)
    return StreamingResponse(source, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _resume(request: Request, after: int | None) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None:
        return after
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_SEQ:
        raise RequestInvalid("Last-Event-ID must be a number that this stream gave", pointer="/Last-Event-ID")
    return int(text)


def _last(room: Room) -> int:
    with room.store.read() as work:
        return work.events.last()


async def _follow(room: Room, member: Member, job: str | None, seq: int, *, follow: bool) -> AsyncIterator[str]:
    def page() -> tuple[list[StoredEvent], bool]:
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
            seq = move.seq
            yield f"id: {move.seq}\nevent: move\ndata: {json.dumps(present.event(move))}\n\n"
        if ended or (not follow and len(moves) < PAGE):
            return
        if loop.time() - beat > BEAT_S:
            beat = loop.time()
            yield ": still here\n\n"
        if len(moves) < PAGE:
            await asyncio.sleep(POLL_S)
