"""The doors to API keys: a secret is shown once, at creation and at rotation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import present, schemas
from broker.api.caller import KeyFirst, member_of, room_of
from broker.api.jobs import PROBLEMS, answer, later
from broker.domain.errors import Forbidden, NotFound, RequestInvalid
from broker.domain.hub import Member
from broker.domain.scopes import SCOPES_OF, Role, known
from broker.store.people import KeyRow
from broker.store.unit_of_work import Work

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=KeyFirst)
KeyPath = Annotated[str, Path(max_length=64, pattern=schemas.ID)]
Caller = Annotated[Member, Depends(member_of)]


@router.get("", response_model=schemas.KeyList, responses=PROBLEMS)
async def list_keys(request: Request, member: Caller) -> Response:
    """The caller's keys; the project's for an administrator of keys, the hub's for one of the hub."""
    room = room_of(request)

    def read() -> list[KeyRow]:
        with room.store.read() as work:
            return work.people.keys_of(member.hub, **_reach(member))

    return answer({"keys": [present.key(key) for key in await run_in_threadpool(read)]})


@router.post("", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def create_key(request: Request, body: schemas.KeyRequest, member: Caller) -> Response:
    """A new key with at most the caller's scopes."""
    room = room_of(request)
    expires = later(body.expires_at, room.clock(), pointer="/expires_at")

    def create() -> dict[str, Any]:
        with room.store.write() as work:
            owner = _owner(work, body.member or member.id, member)
            key, secret = room.keys.create(
                work,
                member=owner,
                name=body.name,
                scopes=_scopes(work, body, owner, member),
                at=room.clock(),
                expires_at=expires,
                by=member.id,
            )
        return present.key(key) | {"key": secret}

    return answer(await run_in_threadpool(create), 201)


@router.post("/{key_id}/rotate", status_code=201, response_model=schemas.KeyCreated, responses=PROBLEMS)
async def rotate_key(request: Request, key_id: KeyPath, member: Caller) -> Response:
    """A successor with the same rights; the old key works for a day more."""
    room = room_of(request)

    def rotate() -> dict[str, Any]:
        with room.store.write() as work:
            key = _key(work, key_id, member)
            successor, secret = room.keys.rotate(work, key, at=room.clock(), by=member.id)
        return present.key(successor) | {"key": secret}

    return answer(await run_in_threadpool(rotate), 201)


@router.delete("/{key_id}", status_code=204, responses=PROBLEMS)
async def revoke_key(request: Request, key_id: KeyPath, member: Caller) -> Response:
    """No more from now on."""
    room = room_of(request)

    def revoke() -> None:
        with room.store.write() as work:
            room.keys.revoke(work, _key(work, key_id, member), at=room.clock(), by=member.id)

    await run_in_threadpool(revoke)
    return Response(status_code=204)


def _reach(member: Member) -> dict[str, str]:
    """Whose keys a caller sees and issues: the hub's, the project's or its own."""
    if "hub:admin" in member.scopes:
        return {}
    return {"project": member.project} if "keys:admin" in member.scopes else {"member": member.id}


def _scopes(work: Work, body: schemas.KeyRequest, owner: str, member: Member) -> list[str]:
    """At most what the caller's key may and what the owner's role may."""
    role = work.people.role(owner)
    allowed = {scope.value for scope in SCOPES_OF[Role(role)]} if role else set()
    if body.scopes is None:
        return sorted(member.scopes & allowed)
    try:
        wanted = {scope.value for scope in known(frozenset(body.scopes))}
    except ValueError as error:
        raise RequestInvalid(str(error), pointer="/scopes") from None
    _exceeds(wanted, member)
    if not wanted <= allowed:
        raise Forbidden(f"the role {role} does not have {', '.join(sorted(wanted - allowed))}")
    return sorted(wanted)


def _exceeds(scopes: Collection[str], member: Member) -> None:
    missing = sorted(set(scopes) - member.scopes)
    if missing:
        raise Forbidden(f"you do not have {', '.join(missing)} yourself")


def _owner(work: Work, owner: str, member: Member) -> str:
    if owner == member.id:
        return owner
    other = work.people.member(owner)
    if other is None or not _near(other, member):
        raise NotFound(f"there is no member {owner}")
    if "keys:admin" not in member.scopes:
        raise Forbidden("only an administrator of keys makes keys for others")
    return owner


def _near(other: Member, member: Member) -> bool:
    if "hub:admin" in member.scopes:
        return other.hub == member.hub
    return other.project == member.project


def _key(work: Work, key_id: KeyPath, member: Member) -> KeyRow:
    """A key that the caller may end or replace: in reach, and with no right that the caller lacks."""
    key = work.people.key(key_id)
    owner = None if key is None else work.people.member(key.member)
    mine = owner is not None and (owner.id == member.id or ("keys:admin" in member.scopes and _near(owner, member)))
    if key is None or not mine:
        raise NotFound(f"there is no key {key_id}")
    _exceeds(key.scopes, member)
    return key
