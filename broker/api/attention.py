"""The doors to jobs that nobody but an operator can settle: which wait, and the two decisions about one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, JobPath, answer
from broker.api.schemas import ID
from broker.domain.hub import Member
from broker.reads import jobs
from broker.services import attend

router = APIRouter(prefix="/v1", tags=["attention"], route_class=KeyFirst)
Operator = Annotated[Member, Depends(needs("ops"))]


@router.get("/attention", response_model=schemas.JobList, responses=PROBLEMS)
async def list_attention(
    request: Request,
    member: Operator,
    cursor: Annotated[str | None, Query(max_length=64, pattern=ID)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The hub's jobs in attention, whoever's they are, oldest first; ``attempt.token`` is the name at the vendor."""
    room = room_of(request)

    def read() -> Response:
        return answer(present.page(jobs.in_attention(room.store, member, cursor, limit, at=room.clock())))

    return await room.slow(read)


@router.post("/jobs/{job_id}/adopt", response_model=schemas.JobView, responses=PROBLEMS)
async def adopt_job(request: Request, job_id: JobPath, body: schemas.Adopt, member: Operator) -> Response:
    """An operator found the vendor's job of a job in attention."""
    room = room_of(request)
    arguments = (room.store, member, job_id, body.remote_id, body.reason)
    await run_in_threadpool(attend.adopt, *arguments, at=room.clock())
    return answer(present.seen(await run_in_threadpool(jobs.attended, room.store, member, job_id, at=room.clock())))


@router.post("/jobs/{job_id}/release", response_model=schemas.JobView, responses=PROBLEMS)
async def release_job(request: Request, job_id: JobPath, body: schemas.Release, member: Operator) -> Response:
    """An operator knows that the vendor never got a job in attention."""
    room = room_of(request)
    await run_in_threadpool(attend.release, room.store, member, job_id, body.reason, at=room.clock())
    return answer(present.seen(await run_in_threadpool(jobs.attended, room.store, member, job_id, at=room.clock())))
