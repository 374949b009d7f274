"""The doors for machines: health, readiness and metrics."""

from __future__ import annotations

import hmac
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from broker.api import schemas
from broker.api.caller import room_of
from broker.api.jobs import answer
from broker.domain.errors import Unauthenticated
from broker.store import schema

if TYPE_CHECKING:
    from broker.api.room import Room

router = APIRouter(tags=["operations"])


@router.get("/healthz", response_model=schemas.Health)
async def health() -> Response:
    """The process answers."""
    return answer({"status": "ok", "checks": {}})


@router.get("/readyz", response_model=schemas.Health, responses={503: {"model": schemas.Health}})
async def ready(request: Request) -> Response:
    """The database answers at the newest schema, and devices are known."""
    checks = await run_in_threadpool(_checks, room_of(request))
    fine = all(found == "ok" for found in checks.values())
    return answer({"status": "ok" if fine else "degraded", "checks": checks}, 200 if fine else 503)


def _checks(room: Room) -> dict[str, str]:
    try:
        checks = {"schema": "ok" if schema.is_current(room.store.engine) else "migrate first"}
        with room.store.read() as work:
            known = bool(work.catalogue.recoveries())
        checks["devices"] = "ok" if known else "no worker has reported any device yet"
    except Exception as error:  # noqa: BLE001  readiness reports trouble, it does not have it
        return {"database": type(error).__name__}
    return checks | {"database": "ok"}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 401: {"content": {"application/problem+json": {}}}},
)
async def metrics(request: Request) -> Response:
    """Prometheus metrics, read from the store; behind a token of their own where one is configured."""
    room = room_of(request)
    _check_token(request, room.settings.metrics_token)
    text = await room.slow.together("metrics", partial(room.metrics.expose, room.store, room.clock()))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _check_token(request: Request, token: str) -> None:
    sent = request.headers.get("authorization", "")
    if token and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated("send the metrics token as 'Authorization: Bearer TOKEN'")
