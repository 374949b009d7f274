"""The doors for machines: health, readiness and metrics."""

from __future__ import annotations

import hmac
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from broker.api import schemas
from broker.api.caller import room_of
from broker.api.jobs import answer
from broker.domain.errors import Unauthenticated

router = APIRouter(tags=["operations"])


@router.get("/healthz", response_model=schemas.Health)
async def health() -> Response:
    """The process answers."""
    return answer({"status": "ok", "checks": {}})


@router.get("/readyz", response_model=schemas.Health, responses={503: {"model": schemas.Health}})
async def ready(request: Request) -> Response:
    """Whether this gateway can admit jobs, and whether what stands beside it works.

    503 only for what keeps the gateway from admitting: one that is taken out of service because a worker stands still
    would hide the jobs that are there.
    """
    room = room_of(request)
    state = await room.probes.together("ready", room.readiness.state)
    return answer({"status": state.word, "checks": dict(state.checks)}, 503 if state.word == "unready" else 200)


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
