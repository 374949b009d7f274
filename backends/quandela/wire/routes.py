"""How does Quandela's cloud speak HTTP? Its published routes, old and new, over any executor; no SDK is imported."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MAX_BODY_BYTES = 16 << 20
BAD_TOKEN = "Invalid or expired job token"  # noqa: S105  a sentence
Document = Mapping[str, Any]


class Rejected(Exception):
    """The vendor's no: an HTTP status with ``{"detail": {}, "error": ...}``."""

    def __init__(self, status: int, error: str, *, detail: Document | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.detail = detail or {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """A create request whose outer form is right. ``work`` is its opaque inner object."""

    platform: str
    name: str
    group: str | None
    work: Document
    version: str | None
    process: str | None
    max_duration: int | None
    request: str


class Executor(Protocol):
    """What stands behind the protocol. ``owner`` names whose token asked; every no is a ``Rejected``."""

    def owner_of(self, token: str) -> str:
        """Who bears this token."""

    def platforms(self) -> Sequence[Document]:
        """Every platform, in the vendor's own form."""

    def platform(self, name: str) -> Document:
        """One platform: status, specs, performance figures."""

    def create(self, owner: str, creation: Creation) -> str:
        """Accept a job; its id."""

    def rerun(self, owner: str, job_id: str) -> str:
        """Accept a failed job again; the id of the new one."""

    def cancel(self, owner: str, job_id: str) -> None:
        """Stop a job that has not ended."""

    def status(self, owner: str, job_id: str) -> Document:
        """Where a job stands."""

    def result(self, owner: str, job_id: str) -> Document:
        """What a job gave so far."""

    def record(self, owner: str, job_id: str) -> Document:
        """What was asked for."""

    def availability(self, owner: str) -> Document:
        """How much room the owner's queue has."""

    def usage(self, owner: str) -> Sequence[Document]:
        """Credits and time used, per token and platform."""


def routes(executor: Executor) -> list[Route]:
    """The protocol's routes; those with ``job`` in the singular are what the vendor's SDK calls today."""
    door = partial(_Door, executor)
    reads = {
        "/api/jobs/{job_id}/status": partial(_read, executor.status, 400),
        "/api/job/status/{job_id}": partial(_read, executor.status, 400),
        "/api/jobs/{job_id}/result": partial(_read, executor.result, 400),
        "/api/job/result/{job_id}": partial(_read, executor.result, 400),
        "/api/jobs/{job_id}/data": partial(_read, executor.record, 404),
    }
    return [
        Route("/", _home),
        Route("/health", _home),
        Route("/api/status", _home),
        Route("/api/platforms/public", door(_public).open),
        Route("/api/platforms/{name}/processor", door(_platform).open),
        Route("/api/platform/{name}", door(_platform).open),
        Route("/api/jobs/availability", door(_availability).open),
        Route("/api/tokens/usage/report", door(_usage).open),
        *(Route(path, door(deed).open) for path, deed in reads.items()),
        *_writes(door, "/api/jobs", "/api/job", _create),
        *_writes(door, "/api/jobs/{job_id}/cancel", "/api/job/cancel/{job_id}", _cancel),
        *_writes(door, "/api/jobs/{job_id}/rerun", "/api/job/rerun/{job_id}", _rerun),
    ]


def application(executor: Executor) -> Starlette:
    """The protocol as an ASGI application of its own."""
    return Starlette(routes=routes(executor))


Deed = Callable[[Executor, Request], Awaitable[object]]


class _Door:
    """Runs one deed; a ``Rejected`` becomes the vendor's error body."""

    def __init__(self, executor: Executor, deed: Deed) -> None:
        self._executor = executor
        self._deed = deed

    async def open(self, request: Request) -> Response:
        try:
            return JSONResponse(await self._deed(self._executor, request))
        except Rejected as no:
            return refusal(no)


def refusal(no: Rejected) -> JSONResponse:
    """The vendor's error body; a form error has its own shape."""
    if no.status == 422:  # noqa: PLR2004  HTTP
        body = {"message": no.error, "detail": no.detail}
        return JSONResponse(body, status_code=no.status)
    return JSONResponse({"detail": no.detail, "error": no.error}, status_code=no.status)


def _writes(door: Callable[[Deed], _Door], new: str, old: str, deed: Deed) -> list[Route]:
    return [Route(path, door(deed).open, methods=["POST"]) for path in (new, old)]


def _owner(executor: Executor, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token.strip():
        raise Rejected(401, BAD_TOKEN)
    return executor.owner_of(token.strip())


async def _home(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _public(executor: Executor, _: Request) -> object:
    return list(await run_in_threadpool(executor.platforms))


async def _platform(executor: Executor, request: Request) -> object:
    _owner(executor, request)
    return await run_in_threadpool(executor.platform, request.path_params["name"])


async def _availability(executor: Executor, request: Request) -> object:
    return await run_in_threadpool(executor.availability, _owner(executor, request))


async def _usage(executor: Executor, request: Request) -> object:
    return list(await run_in_threadpool(executor.usage, _owner(executor, request)))


async def _read(ask: Callable[[str, str], object], malformed: int, executor: Executor, request: Request) -> object:
    owner = _owner(executor, request)
    return await run_in_threadpool(ask, owner, _job_id(request, malformed))


async def _create(executor: Executor, request: Request) -> object:
    owner = _owner(executor, request)
    creation = _creation(await _object(request), request)
    return {"job_id": await run_in_threadpool(executor.create, owner, creation)}


async def _cancel(executor: Executor, request: Request) -> object:
    owner = _owner(executor, request)
    await run_in_threadpool(executor.cancel, owner, _job_id(request, 404))
    return {"message": "ok"}


async def _rerun(executor: Executor, request: Request) -> object:
    owner = _owner(executor, request)
    return {"job_id": await run_in_threadpool(executor.rerun, owner, _job_id(request, 404))}


def _job_id(request: Request, status: int) -> str:
    job_id = str(request.path_params["job_id"])
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise Rejected(status, f"Invalid job id: {job_id}") from None


async def _object(request: Request) -> dict[str, Any]:
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) > MAX_BODY_BYTES:
            raise Rejected(400, "Request body too large")
    try:
        document = json.loads(b"".join(parts))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _malformed("_schema", "Invalid input type.")
    return document


_TEXTS = ("job_group_name", "pcvl_version", "platform_id", "platform_name", "process_id")


def _creation(body: dict[str, Any], request: Request) -> Creation:
    for name in ("job_name", "payload"):
        if name not in body:
            raise _malformed(name, "Missing data for required field.")
    for name in ("job_name", *_TEXTS):
        if not isinstance(body.get(name), str | None if name in _TEXTS else str):
            raise _malformed(name, "Not a valid string.")
    seconds = body.get("max_duration")
    if seconds is not None and (not isinstance(seconds, int) or isinstance(seconds, bool)):
        raise _malformed("max_duration", "Not a valid integer.")
    if not isinstance(body["payload"], dict):
        raise Rejected(400, "Invalid payload, expected a json object")
    platform = body.get("platform_name") or body.get("platform_id")
    if not platform:
        raise Rejected(400, "Require platform_id or platform_name")
    return Creation(
        platform=platform,
        name=body["job_name"],
        group=body.get("job_group_name"),
        work=body["payload"],
        version=body.get("pcvl_version"),
        process=body.get("process_id"),
        max_duration=seconds,
        request=request.headers.get("x-request-id", ""),
    )


def _malformed(name: str, why: str) -> Rejected:
    return Rejected(422, "Validation error", detail={"json": {name: [why]}})
