"""The doors to prices and devices: a quote holds nothing and sends nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, answer, decide
from broker.domain.hub import Member
from broker.reads import devices, specs

router = APIRouter(prefix="/v1", tags=["offers"], route_class=KeyFirst)


@router.post("/quotes", response_model=schemas.QuoteView, responses=PROBLEMS)
async def quote(
    request: Request, body: schemas.QuoteRequest, member: Annotated[Member, Depends(needs("quotes"))]
) -> Response:
    """What it would cost and when it would run, on every device, with the reason of every refusal."""
    room = room_of(request)
    at = room.clock()
    program, inspected, decided = await decide(room, member, body, at)
    view = present.decision(decided.decision, prefer=body.prefer.value, decided_at=decided.posted.snapshot.at)
    return answer(view | {"program": present.program(program.sha256, inspected.requirement)})


@router.get("/devices", response_model=schemas.DeviceList, responses=PROBLEMS)
async def list_devices(request: Request, member: Annotated[Member, Depends(needs("devices:read"))]) -> Response:
    """Every device, and whether the caller's hub may use it."""
    room = room_of(request)

    def read() -> list[dict[str, object]]:
        at = room.clock()
        snapshot, standing = room.market.now(at).snapshot, devices.standing(room.store, member.hub, at=at)
        return [present.device(each, snapshot, standing.access, standing.resting) for each in snapshot.devices]

    return answer({"devices": await run_in_threadpool(read)})


@router.get("/devices/{name:path}/specs", response_model=schemas.SpecsView, responses=PROBLEMS)
async def read_specs(
    request: Request,
    name: Annotated[str, Path(max_length=256, pattern=schemas.TEXT)],
    _member: Annotated[Member, Depends(needs("devices:read"))],
) -> Response:
    """What a device is made of: topology, gates, labels, figures. Its ETag is the hash of this version."""
    room, known = room_of(request), request.headers.get("if-none-match", "")
    found = await run_in_threadpool(specs.present, room.store, name, known=known)
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "private, no-cache"}
    if found.body is None:
        return Response(status_code=304, headers=headers)
    # The hash is that of the stored text, so it can only be added when the text is told.
    text = f'{found.body[:-1]},"sha256":"{found.sha256}"}}'
    return Response(text, media_type="application/json", headers=headers)
