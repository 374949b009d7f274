"""The door to results: small ones at once, large ones in parts, of which few are in memory."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import schemas
from broker.api.caller import KeyFirst, room_of
from broker.api.jobs import PROBLEMS, JobPath, Reader
from broker.api.lanes import Lasting
from broker.reads import results

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.api.room import Room
    from broker.reads.results import Kept

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=KeyFirst)
GRACE_S = 60.0
SLOWEST = 64 << 10  # bytes per second


@router.get("/{job_id}/result", response_model=schemas.ResultView, responses=PROBLEMS)
async def read_result(request: Request, job_id: JobPath, member: Reader) -> Response:
    """The result in the normal form; 409 ``not_ready`` before there is one. Its ETag is its hash."""
    room = room_of(request)
    kept = await run_in_threadpool(results.result, room.store, member, job_id)
    tag = f'"{kept.sha256}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag})
    # The hash is that of the stored text, so it can only be added when the text is told.
    tail = f',"sha256":"{kept.sha256}"}}'.encode()
    if kept.body is not None:
        return Response(kept.body[:-1] + tail, media_type="application/json", headers={"ETag": tag})
    room.downloads.enter(member.id)
    headers = {"ETag": tag, "Content-Length": str(kept.size - 1 + len(tail))}
    source = _in_parts(room, kept, tail)
    return Lasting(source, room.downloads, member.id, media_type="application/json", headers=headers)


async def _in_parts(room: Room, kept: Kept, tail: bytes) -> AsyncIterator[bytes]:
    """Every part is read when the one before it is on its way; who takes them too slowly is left."""
    loop = asyncio.get_running_loop()
    until, start, left = loop.time() + GRACE_S + kept.size / SLOWEST, 0, kept.size - 1
    while left > 0 and loop.time() < until:
        piece, start = await room.slow(partial(results.part, room.store, kept, start))
        if not piece:
            return
        piece = piece[:left]
        left -= len(piece)
        yield piece
        del piece  # while the next one is read, this one is no longer ours
    if left <= 0:
        yield tail
