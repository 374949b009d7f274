"""The door to the machines of local simulations: who lives, what is left of each, and how much each runs."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, answer
from broker.domain.hub import Member
from broker.services.hosting import hosts_now

router = APIRouter(prefix="/v1", tags=["operations"], route_class=KeyFirst)


@router.get("/hosts", response_model=schemas.HostList, responses=PROBLEMS)
async def list_hosts(request: Request, member: Annotated[Member, Depends(needs("ops"))]) -> Response:  # noqa: ARG001  its scope counts
    """Every host that was heard of within a day."""
    room = room_of(request)
    found = await room.slow(partial(hosts_now, room.store, room.clock(), dead=room.settings.terms.dead))
    return answer({"hosts": [present.host(each) for each in found]})
