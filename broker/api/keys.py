"""The doors to API keys: a secret is shown once, at creation and at rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, member_of, room_of
from broker.api.jobs import PROBLEMS, answer, later
from broker.domain.hub import Member
from broker.domain.money import Money
from broker.reads import keys
from broker.services.issue import Wish

if TYPE_CHECKING:
    from datetime import datetime

    from broker.api.room import Room
    from broker.store.people import KeyRow

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=KeyFirst)
KeyPath = Annotated[str, Path(max_length=64, pattern=schemas.ID)]
Caller = Annotated[Member, Depends(member_of)]


@router.get("", response_model=schemas.KeyList, responses=PROBLEMS)
async def list_keys(request: Request, member: Caller) -> Response:
    """The caller's keys; the project's for an administrator of keys, the hub's for one of the hub."""
    room = room_of(request)

    def read() -> list[dict[str, Any]]:
        return [present.key(each.key, each.budget) for each in keys.listed(room.store, member.hub, **_reach(member))]

    return answer({"keys": await room.slow(read)})


def _told(room: Room, key: KeyRow, secret: str) -> dict[str, Any]:
    """A new key with its secret, this once."""
    shown = keys.shown(room.store, key)
    return present.key(shown.key, shown.budget) | {"key": secret}


@router.post("", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def create_key(request: Request, body: schemas.KeyRequest, member: Caller) -> Response:
    """A new key with at most the scopes, the time and the money of the key that makes it."""
    room = room_of(request)
    expires = later(body.expires_at, room.clock(), pointer="/expires_at")

    def create() -> dict[str, Any]:
        key, secret = room.issuer.mint(member, _wish(body, expires))
        return _told(room, key, secret)

    return answer(await run_in_threadpool(create), 201)


def _wish(body: schemas.KeyRequest, expires: datetime | None) -> Wish:
    limit = body.limit
    return Wish(
        member=body.member,
        name=body.name,
        scopes=body.scopes,
        expires_at=expires,
        limit=None if limit is None else Money.parse(limit.amount, limit.currency),
    )


@router.post("/{key_id}/rotate", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def rotate_key(request: Request, key_id: KeyPath, member: Caller) -> Response:
    """A successor with the same rights and end; the old key works for a day more at most."""
    room = room_of(request)

    def rotate() -> dict[str, Any]:
        successor, secret = room.issuer.rotate(member, key_id)
        return _told(room, successor, secret)

    return answer(await run_in_threadpool(rotate), 201)


@router.delete("/{key_id}", status_code=204, responses=PROBLEMS)
async def revoke_key(request: Request, key_id: KeyPath, member: Caller) -> Response:
    """No more from now on: neither the key nor what it made. Any key may end itself."""
    await run_in_threadpool(room_of(request).issuer.revoke, member, key_id)
    return Response(status_code=204)


def _reach(member: Member) -> dict[str, str]:
    """Whose keys a caller sees and issues: the hub's, the project's or its own."""
    if "hub:admin" in member.scopes:
        return {}
    return {"project": member.project} if "keys:admin" in member.scopes else {"member": member.id}
