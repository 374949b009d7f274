"""How does Pasqal's cloud speak? Its HTTP interface as an ASGI app over an Executor that does the work."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from backends.pasqal.wire.executor import Denied
from backends.pasqal.wire.filters import query_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from backends.pasqal.wire.executor import Executor, Page, Query

MAX_BODY_BYTES = 32 << 20
_WORDS = {
    200: "OK.",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request."""

    executor: Executor
    request: Request
    user: str
    body: Any

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])

    @property
    def query(self) -> Query:
        """The listing's filters."""
        return query_of(self.request.query_params.multi_items())


def jsend(data: object, *, pagination: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The vendor's envelope of a success."""
    envelope: dict[str, Any] = {"status": "success", "message": _WORDS[200], "code": 200, "data": data}
    return envelope | ({"pagination": dict(pagination)} if pagination else {})


def refusal(code: int, description: object, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The vendor's envelope of a failure."""
    body = {
        "status": "fail" if code < 500 else "error",  # noqa: PLR2004  HTTP's own border
        "message": _WORDS.get(code, "Error"),
        "code": str(code),
        "data": {"description": description},
    }
    return JSONResponse(body, status_code=code, headers=dict(headers or {}))


async def _body_of(request: Request) -> Any:  # noqa: ANN401  JSON
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        raw = _inflated(raw)
    if len(raw) > MAX_BODY_BYTES:
        raise Denied(413, "the body is too large")
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Denied(422, "the body is not JSON") from None


def _inflated(raw: bytes) -> bytes:
    """Unpacked, but never beyond the bound: a small body may hide a very large one."""
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise Denied(422, "the body is not gzip") from None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Denied(401, "No bearer token")
    return token.strip()


def _paged(name: str) -> Callable[[Call], dict[str, Any]]:
    def listing(call: Call) -> dict[str, Any]:
        query = call.query
        page: Page = getattr(call.executor, name)(query)
        end = query.offset + len(page.items)
        bounds = {"total": page.total, "start": query.offset, "offset": query.offset, "end": end}
        return jsend(list(page.items), pagination=bounds)

    return listing


def _of_batch(name: str) -> Callable[[Call], dict[str, Any]]:
    return lambda call: jsend(getattr(call.executor, name)(call.id))


def _create(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise Denied(422, "the body must be an object")
    return jsend(call.executor.create(call.user, call.body))


def _add_jobs(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, list):
        raise Denied(422, "the body must be a list of jobs")
    return jsend(call.executor.add_jobs(call.id, call.body))


def _tag(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, list) or not all(isinstance(tag, str) for tag in call.body):
        raise Denied(422, "the body must be a list of tags")
    return jsend(call.executor.tag(call.id, call.body))


def _batch_status(call: Call) -> dict[str, Any]:
    batch = call.executor.read(call.id)
    return jsend({name: batch[name] for name in ("id", "status", "jobs_count", "jobs_count_per_status")})


def _job_status(call: Call) -> dict[str, Any]:
    job = call.executor.read_job(call.id)
    return jsend({"id": job["id"], "status": job["status"]})


def _cancel_many(call: Call) -> dict[str, Any]:
    ids = call.body.get("batch_ids") if isinstance(call.body, dict) else None
    if not isinstance(ids, list):
        raise Denied(422, "batch_ids is missing")
    cancelled, errors = [], {}
    for batch_id in map(str, ids):
        try:
            cancelled.append(call.executor.cancel(batch_id))
        except Denied as denied:
            errors[batch_id] = str(denied.description)
    return jsend({"batches": cancelled, "errors": errors})


def _link(call: Call) -> dict[str, Any]:
    path = call.executor.result_path(call.id)
    origin = str(call.request.base_url).split("/core-fast")[0].rstrip("/")
    return jsend({"results_link": f"{origin}{path}" if path else None})


def _specs(call: Call) -> dict[str, Any]:
    return jsend(dict(call.executor.specs()))


def _public_specs(call: Call) -> dict[str, Any]:
    specs = call.executor.specs()
    return jsend([{"device_type": name, "specs": spec} for name, spec in specs.items()])


def _projects(call: Call) -> dict[str, Any]:
    return jsend(list(call.executor.projects(call.user)))


def _rebatch(call: Call) -> dict[str, Any]:
    return jsend(call.executor.rebatch(call.user, call.id, call.query))


def _cancel_jobs(call: Call) -> dict[str, Any]:
    return jsend(call.executor.cancel_jobs(call.id, call.query))


def application(executor: Executor) -> Starlette:
    """The whole interface: ``/core-fast``, ``/account``, ``/oauth/token`` and the presigned results."""

    def route(
        path: str, answer: Callable[[Call], dict[str, Any]], method: str = "GET", *, public: bool = False
    ) -> Route:
        async def serve(request: Request) -> Response:
            try:
                user = "" if public else await run_in_threadpool(executor.admit, _bearer(request))
                call = Call(executor, request, user, await _body_of(request))
                return JSONResponse(await run_in_threadpool(answer, call))
            except Denied as denied:
                return refusal(denied.code, denied.description)

        return Route(path, serve, methods=[method])

    routes = [
        Mount(
            "/core-fast/api",
            routes=[route(*one) for one in _CORE] + [route("/v1/devices/public-specs", _public_specs, public=True)],
        ),
        route("/account/api/v1/projects", _projects),
        Route("/oauth/token", _login(executor), methods=["POST"]),
        Route("/results/{id}", _result(executor), methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _lost, 405: _lost})


_OVH = "/v1/third-party-access/ovh"
_CORE: list[tuple[Any, ...]] = [
    ("/v1/batches", _create, "POST"),
    ("/v1/batches", _paged("batches")),
    ("/v1/batches/cancel", _cancel_many, "PATCH"),
    ("/v1/batches/{id}/status", _batch_status),
    ("/v1/batches/{id}/tags", _tag, "PATCH"),
    ("/v1/batches/{id}/rebatch", _rebatch, "POST"),
    ("/v2/batches/{id}", _of_batch("read")),
    ("/v2/batches/{id}/complete", _of_batch("close"), "PATCH"),
    ("/v2/batches/{id}/cancel", _of_batch("cancel"), "PATCH"),
    ("/v2/batches/{id}/cancel/jobs", _cancel_jobs, "PATCH"),
    ("/v2/batches/{id}/jobs", _add_jobs, "POST"),
    ("/v2/jobs", _paged("jobs")),
    ("/v2/jobs/{id}", _of_batch("read_job")),
    ("/v2/jobs/{id}/cancel", _of_batch("cancel_job"), "PATCH"),
    ("/v1/jobs/{id}/status", _job_status),
    ("/v1/jobs/{id}/results_link", _link),
    ("/v1/devices/specs", _specs),
    # The same under a reseller's prefix, without open batches and cancellation.
    (_OVH + "/batches", _create, "POST"),
    (_OVH + "/batches/{id}", _of_batch("read")),
    (_OVH + "/batches/{id}/status", _batch_status),
    (_OVH + "/jobs", _paged("jobs")),
    (_OVH + "/jobs/{id}/status", _job_status),
    (_OVH + "/jobs/{id}/results_link", _link),
]


async def _lost(_: Request, error: Exception) -> Response:
    return refusal(getattr(error, "status_code", 404), "no such route")


def _login(executor: Executor) -> Callable[[Request], Awaitable[Response]]:
    """The password grant (RFC 6749 §4.3), whose errors are OAuth's and no JSend."""

    async def login(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        try:
            return JSONResponse(dict(await run_in_threadpool(executor.login, form)))
        except Denied as denied:
            body = {"error": "invalid_grant", "error_description": str(denied.description)}
            return JSONResponse(body, status_code=denied.code)

    return login


def _result(executor: Executor) -> Callable[[Request], Awaitable[Response]]:
    async def result(request: Request) -> Response:
        signature = request.query_params.get("signature", "")
        try:
            job_id = str(request.path_params["id"])
            text = await run_in_threadpool(executor.result, job_id, signature)
        except Denied as denied:
            return refusal(denied.code, denied.description)
        return Response(text, media_type="application/json")

    return result
