"""The doors to API keys: a secret is shown once, at creation and at rotation."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import member_of, room_of
from broker.api.jobs import PROBLEMS, answer
from broker.domain.errors import Forbidden, NotFound, RequestInvalid
from broker.domain.hub import Member
from broker.domain.scopes import known
from broker.store.people import KeyRow
from broker.store.unit_of_work import Work

router = APIRouter(prefix="/v1/keys", tags=["keys"])
Caller = Annotated[Member, Depends(member_of)]


@router.get("", response_model=schemas.KeyList, responses=PROBLEMS)
async def list_keys(request: Request, member: Caller) -> Response:
    """The caller's keys; every key of the hub for an administrator of keys."""
    room = room_of(request)

    def read() -> list[KeyRow]:
        with room.store.read() as work:
            return work.people.keys_of(member.hub, None if "keys:admin" in member.scopes else member.id)

    return answer({"keys": [present.key(key) for key in await run_in_threadpool(read)]})


@router.post("", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def create_key(request: Request, body: schemas.KeyRequest, member: Caller) -> Response:
    """A new key with at most the caller's scopes."""
    room = room_of(request)
    scopes = _scopes(body, member)
    expires = body.expires_at
    if expires is not None and expires.tzinfo is None:
        raise RequestInvalid("expires_at must have a time zone", pointer="/expires_at")

    def create() -> dict[str, Any]:
        with room.store.write() as work:
            owner = _owner(work, body.member or member.id, member)
            key, secret = room.keys.create(
                work, member=owner, name=body.name, scopes=scopes, at=room.clock(),
                expires_at=None if expires is None else expires.astimezone(UTC), by=member.id,
            )
        return present.key(key) | {"key": secret}

    return answer(await run_in_threadpool(create), 201)


@router.post("/{key_id}/rotate", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def rotate_key(request: Request, key_id: str, member: Caller) -> Response:
    """A successor with the same rights; the old key works for a day more."""
    room = room_of(request)

    def rotate() -> dict[str, Any]:
        with room.store.write() as work:
            key = _key(work, key_id, member)
            successor, secret = room.keys.rotate(work, key, at=room.clock(), by=member.id)
        return present.key(successor) | {"key": secret}

    return answer(await run_in_threadpool(rotate), 201)


@router.delete("/{key_id}", status_code=204, responses=PROBLEMS)
async def revoke_key(request: Request, key_id: str, member: Caller) -> Response:
    """No more from now on."""
    room = room_of(request)

    def revoke() -> None:
        with room.store.write() as work:
            room.keys.revoke(work, _key(work, key_id, member), at=room.clock(), by=member.id)

    await run_in_threadpool(revoke)
    return Response(status_code=204)


def _scopes(body: schemas.KeyRequest, member: Member) -> list[str]:
    if body.scopes is None:
        return sorted(member.scopes)
    try:
        wanted = {scope.value for scope in known(frozenset(body.scopes))}
    except ValueError as error:
        raise RequestInvalid(str(error), pointer="/scopes") from None
    if not wanted <= member.scopes:
        raise Forbidden(f"you do not have {', '.join(sorted(wanted - member.scopes))} yourself")
    return sorted(wanted)


def _owner(work: Work, owner: str, member: Member) -> str:
    if owner == member.id:
        return owner
    other = work.people.member(owner)
    if other is None or other.hub != member.hub:
        raise NotFound(f"there is no member {owner}")
    if "keys:admin" not in member.scopes:
        raise Forbidden("only an administrator of keys makes keys for others")
    return owner


def _key(work: Work, key_id: str, member: Member) -> KeyRow:
    key = work.people.key(key_id)
    owner = None if key is None else work.people.member(key.member)
    allowed = owner is not None and owner.hub == member.hub and (owner.id == member.id or "keys:admin" in member.scopes)
    if key is None or not allowed:
        raise NotFound(f"there is no key {key_id}")
    return key
