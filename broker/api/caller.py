"""Who calls, and may they? The API key of a request becomes a member; a scope is asked for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from broker.domain.errors import Forbidden, Unauthenticated
from broker.domain.hub import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from broker.api.room import Room


def room_of(request: Request) -> Room:
    """What the composition root built for the doors."""
    room: Room = request.app.state.room
    return room


def secret_of(request: Request) -> str | None:
    """The API key that a request carries, if it carries one at all."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" and secret and secret.isascii() else None


async def member_of(request: Request) -> Member:
    """The caller.

    Raises:
        Unauthenticated: no key, or not a good one.
        TooMany: the key is used too fast.
    """
    room = room_of(request)
    secret = secret_of(request)
    if secret is None:
        room.metrics.refused("missing")
        raise Unauthenticated("send an API key as 'Authorization: Bearer KEY'")
    at = room.clock()
    try:
        known = room.keys.known(secret, at)
        member = known if known is not None else await run_in_threadpool(room.keys.member, secret, at)
    except Unauthenticated:
        room.metrics.refused("unknown")
        raise
    room.rate.take(member.key)
    return member


def needs(scope: str) -> Callable[[Member], Coroutine[Any, Any, Member]]:
    """A dependency that lets only keys with ``scope`` pass."""

    async def check(member: Annotated[Member, Depends(member_of)]) -> Member:
        allow(member, scope)
        return member

    return check


def allow(member: Member, scope: str) -> None:
    """Raise Forbidden unless the key has the scope."""
    if scope not in member.scopes:
        raise Forbidden(f"this API key does not have the scope {scope}")
