"""The doors to jobs: submit, list, read and cancel."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, allow, member_of, needs, room_of
from broker.api.errors import TITLES
from broker.api.schemas import ID, TEXT
from broker.api.spans import TRACE_KEY
from broker.crash import crashpoint
from broker.domain.errors import QsubmitError, RequestInvalid
from broker.domain.hub import Member
from broker.domain.money import Money
from broker.domain.policy import Policy
from broker.domain.program import Program
from broker.reads import decisions, jobs
from broker.reads.moves import moves_of
from broker.services import cancel
from broker.services.decide import load_asked, load_decision
from broker.services.prepare import check_points
from broker.services.submit import Submission, chosen_offer
from broker.tracing import new_trace, trace_in

if TYPE_CHECKING:
    from broker.api.room import Room
    from broker.domain.requirement import Requirement
    from broker.services.decide import Decided
    from broker.services.prepare import Inspected
    from broker.services.submit import Admitted

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=KeyFirst)
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
Reader = Annotated[Member, Depends(needs("jobs:read"))]
Writer = Annotated[Member, Depends(needs("jobs:write"))]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": TITLES[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 402, 403, 404, 409, 410, 413, 422, 429, 503)
}
ADMISSION = PROBLEMS | {200: {"model": schemas.JobView, "description": "The same key and body were sent before"}}
# The submission's door reads its request by itself, so FastAPI cannot see what it takes.
SUBMISSION = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/JobRequest"}}},
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        },
    ],
}
Word = Annotated[str | None, Query(max_length=128, pattern=TEXT)]
JobPath = Annotated[str, Path(max_length=64, pattern=ID)]


def answer(body: object, status: int = 200) -> Response:
    """JSON that was built here and needs no validation."""
    return Response(to_json(body), status_code=status, media_type="application/json")


def policy_of(body: schemas.QuoteRequest, at: datetime) -> Policy:
    """What the user wants of the choice."""
    cap = body.max_cost
    return Policy(
        prefer=body.prefer,
        device=body.device,
        kind=body.kind,
        max_cost=None if cap is None else Money.parse(cap.amount, cap.currency),
        deadline=later(body.deadline, at, pointer="/deadline"),
        min_success=body.min_success,
    )


def later(value: datetime | None, at: datetime, *, pointer: str) -> datetime | None:
    """A time after ``at``, in UTC.

    Raises:
        RequestInvalid: it has passed, has no time zone, or is beyond the calendar.
    """
    if value is None:
        return None
    with contextlib.suppress(OverflowError):
        if value.tzinfo is not None and value.astimezone(UTC) > at:
            return value.astimezone(UTC)
    raise RequestInvalid(f"{pointer[1:]} must be in the future and have a time zone", pointer=pointer)


async def decide(
    room: Room, member: Member, body: schemas.QuoteRequest, at: datetime
) -> tuple[Program, Inspected, Decided]:
    """Intake and routing; on the event loop where both are brief, else where nobody waits behind them."""
    program = Program.of(body.program.format, body.program.source)
    policy, preparation = policy_of(body, at), room.preparation
    inspected = preparation.inspected(program) or await preparation.inspect(program, member.id)
    check_points(inspected.requirement, body.points)

    def work() -> Decided:
        return preparation.decide(
            member, inspected.requirement, policy, shots=body.shots, points=len(body.points), at=at
        )

    if preparation.ready(member, at) and len(inspected.text) < BRIEF:
        return program, inspected, work()
    return program, inspected, await run_in_threadpool(work)


BRIEF = 8192  # characters of a requirement, above which routing it and writing that down takes milliseconds


@router.post("", status_code=202, response_model=schemas.JobView, responses=ADMISSION, openapi_extra=SUBMISSION)
async def submit_job(request: Request) -> Response:
    """Admit a job: 202 only after it is durably stored with its money held."""
    # Called directly, not as a dependency: resolving dependencies costs a fifth of this request's time.
    member = await member_of(request)
    allow(member, "jobs:write")
    room, at = room_of(request), room_of(request).clock()
    raw = await request.body()
    crashpoint("gateway.received")
    body, key = parsed(raw), idempotency_key(request)
    fingerprint = hashlib.sha256(raw).hexdigest()
    try:
        program, inspected, decided = await decide(room, member, body, at)
        chosen_offer(decided, body.device)
    except QsubmitError:
        # A retry finds the job that its first try made, although its deadline has passed or its device is gone now.
        known = partial(jobs.repeated, room.store, member, key or "", fingerprint, at=at)
        again = None if key is None else await run_in_threadpool(known)
        if again is None:
            raise
        return answer(present.seen(again), 200)
    admitted = await room.writer.submit(
        Submission(
            member=member,
            program=program,
            requirement_text=inspected.text,
            decided=decided,
            shots=body.shots,
            points=tuple(body.points),
            name=body.name,
            tags=tuple(body.tags),
            seed=body.seed,
            options=body.options,
            deadline=later(body.deadline, at, pointer="/deadline"),
            idempotency_key=key,
            fingerprint=fingerprint,
            trace=trace_of(request),
            at=at,
        )
    )
    crashpoint("gateway.after_ring")
    return await told(room, member, admitted, inspected.requirement)


async def told(room: Room, member: Member, admitted: Admitted, need: Requirement) -> Response:
    """202 with the new job, or 200 with the one that its key made before."""
    if admitted.repeated:
        known = await run_in_threadpool(jobs.one, room.store, member, admitted.job.id, at=room.clock())
        return answer(present.seen(known), 200)
    moves = [(move.after.value, move.at, move.reason) for move in admitted.moves]
    return answer(
        present.job(
            admitted.job, need, points=len(admitted.job.points), tried=None, moves=moves, split=present.FRESH_LATENCY
        ),
        202,
    )


def parsed(raw: bytes) -> schemas.JobRequest:
    """The request; JSON that is none is an error without a place, except where only one text in it is at fault."""
    try:
        return schemas.JobRequest.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            # Half a surrogate pair stops the fast parser; the slow one reads on, and validation then points at it.
            document = _slowly(raw)
            if document is not None:
                schemas.JobRequest.model_validate(document)
        raise


def _slowly(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def idempotency_key(request: Request) -> str | None:
    """The header's value: 1 to 255 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise RequestInvalid("Idempotency-Key must be 1 to 255 visible ASCII characters", pointer="/Idempotency-Key")
    return key


def trace_of(request: Request) -> str:
    """The trace id of the request's span, else of its W3C ``traceparent`` header, else a new one."""
    span: str | None = request.scope.get(TRACE_KEY)
    return span or trace_in(request.headers.get("traceparent", "")) or new_trace()


@router.get("", response_model=schemas.JobList, responses=PROBLEMS)
async def list_jobs(  # noqa: PLR0913, PLR0917  one parameter per filter
    request: Request,
    member: Reader,
    state: str | None = None,
    device: Word = None,
    name: Word = None,
    tag: Word = None,
    since: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=64, pattern=ID)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The project's jobs, newest first."""
    room = room_of(request)
    if since is not None and since.tzinfo is None:
        raise RequestInvalid("since must have a time zone", pointer="/since")
    if since is not None and since.year < 1971:  # noqa: PLR2004  before any Unix time that is ours
        since = datetime(1971, 1, 1, tzinfo=UTC)
    wanted = jobs.Filter(state=state, device=device, name=name, tag=tag, since=since, cursor=cursor, limit=limit)

    def read() -> Response:
        return answer(present.page(jobs.page(room.store, member, wanted, at=room.clock())))

    return await room.slow(read)


@router.get("/{job_id}", response_model=schemas.JobView, responses=PROBLEMS)
async def read_job(request: Request, job_id: JobPath, member: Reader) -> Response:
    """One job."""
    room = room_of(request)
    return answer(present.seen(await run_in_threadpool(jobs.one, room.store, member, job_id, at=room.clock())))


@router.get("/{job_id}/events", response_model=schemas.EventList, responses=PROBLEMS)
async def read_events(request: Request, job_id: JobPath, member: Reader) -> Response:
    """Every move of a job."""
    room = room_of(request)
    moves = await room.slow(partial(moves_of, room.store, member, job_id))
    return answer({"events": [present.event(move) for move in moves]})


@router.get("/{job_id}/decision", response_model=schemas.DecisionView, responses=PROBLEMS)
async def read_decision(request: Request, job_id: JobPath, member: Reader) -> Response:
    """Why this device: every offer and refusal, as decided."""
    room = room_of(request)

    def read() -> Response:
        found = decisions.decision(room.store, member, job_id)
        stored = json.loads(found.decision)
        decided_at = datetime.fromisoformat(json.loads(found.snapshot)["at"])
        prefer = load_asked(stored["asked"]).policy.prefer.value
        return answer(present.decision(load_decision(stored["decision"]), prefer=prefer, decided_at=decided_at))

    return await room.slow(read)


@router.post("/{job_id}/cancel", response_model=schemas.JobView, responses=PROBLEMS)
async def cancel_job(request: Request, job_id: JobPath, member: Writer) -> Response:
    """Ask for the end of a job; safe to repeat."""
    room = room_of(request)
    await run_in_threadpool(cancel.cancel, room.store, member, job_id, at=room.clock())
    return answer(present.seen(await run_in_threadpool(jobs.one, room.store, member, job_id, at=room.clock())))
