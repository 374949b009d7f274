"""The door to what an operator must know of the machines: which walls stand around the programs that they run."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, answer
from broker.domain.hub import Member
from broker.services.walled import walls_now

router = APIRouter(prefix="/v1", tags=["operations"], route_class=KeyFirst)


@router.get("/walls", response_model=schemas.WallList, responses=PROBLEMS)
async def list_walls(request: Request, member: Annotated[Member, Depends(needs("ops"))]) -> Response:  # noqa: ARG001  its scope counts
    """Every wall of every machine that has reported within the hour."""
    room = room_of(request)
    found = await room.slow(partial(walls_now, room.store, room.clock()))
    return answer({"walls": [present.wall(each) for each in found]})
