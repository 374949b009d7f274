"""Which doors are there? The ASGI application over the services that bootstrap built."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from broker.api import attention, errors, grafana, hosts, jobs, keys, offers, ops, results, stream, walls
from broker.api.express import Express
from broker.api.guard import BodyLimit
from broker.api.policy import Policy, page
from broker.api.schemas import JobRequest, Problem
from broker.api.spans import Spans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from broker.api.room import Room
    from broker.metrics import Metrics

METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


def build(room: Room) -> FastAPI:
    """The gateway's application; starts the writer with it and stops it after the last request."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        room.writer.start()
        yield
        await room.feed.stop()
        await run_in_threadpool(room.writer.stop)
        await run_in_threadpool(room.keys.flush)
        await run_in_threadpool(room.preparation.close)

    app = Gateway(
        room=room,
        title="qsubmit",
        version="1",
        description="One gateway in front of AWS Braket, Pasqal, Quandela and local simulators.",
        lifespan=lifespan,
        docs_url=None,  # the framework's page has no policy, and a second page for logins that we do not have
        redoc_url=None,
        # We have spans of our own (broker/tracing.py); the framework's would record messages of errors as they are.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redirect_slashes=False,  # a redirect would be built from whatever Host header the caller sent
    )
    app.state.room = room
    for door in (jobs, results, attention, offers, keys, stream, grafana, walls, hosts, ops):
        app.include_router(door.router)
    if room.settings.docs:
        app.add_route("/docs", page, include_in_schema=False)
    errors.register(app)
    _describe(app)
    return app


class Gateway(FastAPI):
    """The application with the walls that stand before the framework's own.

    Before, not between: what each of its layers costs, every submission would pay (docs/adr/0005).
    """

    def __init__(self, *, room: Room, **options: Any) -> None:  # noqa: ANN401  FastAPI's own
        super().__init__(**options)
        self._room = room

    def build_middleware_stack(self) -> ASGIApp:
        """Policy first, the submissions' door last."""
        submission = next(route for route in jobs.router.routes if getattr(route, "endpoint", None) is jobs.submit_job)
        stack: ASGIApp = Express(
            super().build_middleware_stack(),
            application=self,
            method="POST",
            route=submission,
            endpoint=jobs.submit_job,
        )
        stack = BodyLimit(stack, limit=self._room.settings.body_limit)
        stack = Policy(Timing(stack, metrics=self._room.metrics))
        return stack if self._room.tracing is None else Spans(stack, tracing=self._room.tracing)


def _describe(app: FastAPI) -> None:
    original = app.openapi

    def openapi() -> dict[str, object]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "JobRequest" not in schemas:
            for name, model in (("JobRequest", JobRequest), ("Problem", Problem)):
                part = model.model_json_schema(ref_template="#/components/schemas/{model}")
                for other, definition in part.pop("$defs", {}).items():
                    schemas.setdefault(other, definition)
                schemas[name] = part
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
        key = (route, method if method in METHODS else "other", status)
        child = self._kept.get(key)
        if child is None:
            child = self._kept[key] = self._metrics.requests.labels(*key[:2], str(status))
        child.observe(seconds)  # type: ignore[attr-defined]
