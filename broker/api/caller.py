"""Who calls, and may they? The API key of a request becomes a member; a scope is asked for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from broker.api.guard import MEMBER
from broker.domain.errors import Forbidden, Unauthenticated
from broker.domain.hub import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response

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
    """The caller; asked once per request.

    Raises:
        Unauthenticated: no key, or not a good one.
        TooMany: the member sends too fast, or the address was wrong too often.
    """
    known: Member | None = request.scope.get(MEMBER)
    if known is None:
        known = request.scope[MEMBER] = await _met(request)
    return known


async def _met(request: Request) -> Member:
    room = room_of(request)
    address = "" if request.client is None else request.client.host
    secret = secret_of(request)
    if secret is None:
        room.metrics.refused("missing")
        room.strangers.wrong(address)
        raise Unauthenticated("send an API key as 'Authorization: Bearer KEY'")
    at = room.clock()
    try:
        member = room.keys.known(secret, at)
        if member is None:
            room.strangers.ask(address, secret)
            member = await run_in_threadpool(room.keys.member, secret, at)
            room.strangers.good(secret)
    except Unauthenticated:
        room.metrics.refused("unknown")
        room.strangers.wrong(address)
        raise
    # Not by key: a member who makes more keys must not get more of the gateway for it.
    room.rate.take(member.id)
    return member


class KeyFirst(APIRoute):
    """A route that asks who calls, and whether they may, before a byte of the body is read.

    FastAPI would read the body first and resolve dependencies then.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler behind the questions of its dependencies."""
        answer = super().get_route_handler()
        asked = [each.call for each in self.dependant.dependencies]
        checks = [
            each.call
            for each in self.dependant.dependencies
            if each.call is not None and any(sub.call is member_of for sub in each.dependencies)
        ]
        keyed = member_of in asked or bool(checks)

        async def after_the_key(request: Request) -> Response:
            if keyed:
                member = await member_of(request)
                for check in checks:
                    await check(member)
            return await answer(request)

        return after_the_key


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
