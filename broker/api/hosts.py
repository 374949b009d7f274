"""The door to the machines of local simulations: who lives, what is left of each, and how much each runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, answer
from broker.domain.hub import Member
from broker.services.hosting import hosts_now

if TYPE_CHECKING:
    from broker.services.hosting import HostNow

router = APIRouter(prefix="/v1", tags=["operations"], route_class=KeyFirst)


@router.get("/hosts", response_model=schemas.HostList, responses=PROBLEMS)
async def list_hosts(request: Request, member: Annotated[Member, Depends(needs("ops"))]) -> Response:  # noqa: ARG001  its scope counts
    """Every host that was heard of within a day."""
    room = room_of(request)
    found = await room.slow(partial(hosts_now, room.store, room.clock(), dead=room.settings.terms.dead))
    return answer({"hosts": [view_of(each) for each in found]})


def view_of(seen: HostNow) -> dict[str, Any]:
    """One host of local runs."""
    known = seen.host
    return {
        "id": known.id,
        "machine": known.machine,
        "version": known.version,
        "lives": seen.lives,
        "joined_at": present.time(known.joined_at),
        "beat_at": present.time(known.beat_at),
        "cores": known.cores,
        "free_cores": known.free_cores,
        "memory_bytes": known.memory_bytes,
        "free_memory_bytes": known.free_memory_bytes,
        "devices": sorted(device.name for device in known.devices),
        "runs": seen.runs,
    }
