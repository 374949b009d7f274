"""Which doors are there? The ASGI application over the services that bootstrap built."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from broker.api import errors, grafana, jobs, keys, offers, ops, stream
from broker.api.guard import BodyLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from broker.api.room import Room
    from broker.metrics import Metrics


def build(room: Room) -> FastAPI:
    """The gateway's application; starts the writer with it and stops it after the last request."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        room.writer.start()
        yield
        await run_in_threadpool(room.writer.stop)
        await run_in_threadpool(room.keys.flush)

    docs = "/docs" if room.settings.docs else None
    app = FastAPI(
        title="qsubmit",
        version="1",
        description="One gateway in front of AWS Braket, Pasqal, Quandela and local simulators.",
        lifespan=lifespan,
        docs_url=docs,
        redoc_url=None,
    )
    app.state.room = room
    for door in (jobs, offers, keys, stream, grafana, ops):
        app.include_router(door.router)
    errors.register(app)
    _describe(app)
    app.add_middleware(BodyLimit, limit=room.settings.body_limit)
    app.add_middleware(Timing, metrics=room.metrics)
    return app


def _describe(app: FastAPI) -> None:
    from broker.api.schemas import JobRequest  # noqa: PLC0415  only the description needs it

    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "JobRequest" not in schemas:
            model = JobRequest.model_json_schema(ref_template="#/components/schemas/{model}")
            for name, part in model.pop("$defs", {}).items():
                schemas.setdefault(name, part)
            schemas["JobRequest"] = model
            security = document["components"].setdefault("securitySchemes", {})
            security["key"] = {"type": "http", "scheme": "bearer"}
            document["security"] = [{"key": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


class Timing:
    """Measures every request by route template, never by path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._kept: dict[tuple[str, str, int], object] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and observe how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._observe(route, scope["method"], status, time.perf_counter() - began)

    def _observe(self, route: str, method: str, status: int, seconds: float) -> None:
        key = (route, method, status)
        child = self._kept.get(key)
        if child is None:
            child = self._kept[key] = self._metrics.requests.labels(route, method, str(status))
        child.observe(seconds)  # type: ignore[attr-defined]
