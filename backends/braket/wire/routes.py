"""Braket's protocol as a server: HTTP in, an ``Executor`` behind it, any simulator or broker behind that."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from backends.braket.wire.checks import check_create, matches, page_of
from backends.braket.wire.objects import object_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from backends.braket.wire.objects import ObjectStore

STATUS = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "DeviceOfflineException": 424,
    "DeviceRetiredException": 410,
    "InternalServiceException": 500,
    "MissingAuthenticationTokenException": 403,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_NO_JOBS = "This endpoint runs quantum tasks; it does not run hybrid jobs."


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who signed the request, and the region that the signature is for."""

    access_key: str
    region: str


class Fault(Exception):
    """An error in the service's own words; ``fields`` stand beside the message."""

    def __init__(self, name: str, message: str, **fields: Any) -> None:  # noqa: ANN401  JSON values
        super().__init__(message)
        self.name = name
        self.fields = fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A spending limit; amounts are decimal text in US dollars, times Unix seconds."""

    arn: str
    device: str
    amount: str
    start_at: float
    end_at: float
    queued: str = "0"
    spent: str = "0"
    created_at: str = ""
    updated_at: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class Executor(Protocol):
    """What stands behind the wire. Methods may block, run in threads, and raise ``Fault``."""

    def create(self, request: Mapping[str, Any], caller: Caller) -> str:
        """Accept a task; its ARN. The same client token gives the same ARN."""

    def task(self, arn: str) -> Mapping[str, Any]:
        """A ``GetQuantumTask`` answer."""

    def tasks(self, caller: Caller) -> Sequence[Mapping[str, Any]]:
        """Summaries of the caller's region, newest first."""

    def cancel(self, arn: str) -> str:
        """``CANCELLING`` or ``CANCELLED``."""

    def devices(self, caller: Caller) -> Sequence[Mapping[str, Any]]:
        """Device summaries of the caller's region."""

    def device(self, arn: str, caller: Caller) -> Mapping[str, Any]:
        """A ``GetDevice`` answer."""

    def tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a task or a spending limit."""

    def retag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Replace them."""

    def create_limit(self, request: Mapping[str, Any], caller: Caller) -> str:
        """A new spending limit's ARN."""

    def update_limit(self, arn: str, request: Mapping[str, Any]) -> None:
        """Change its amount or its time."""

    def delete_limit(self, arn: str) -> None:
        """Drop it."""

    def limits(self, caller: Caller) -> Sequence[Limit]:
        """Every spending limit."""

    def price_list(self) -> str:
        """The price list as CSV."""


def kind_of(method: str, path: str) -> str:
    """The kinds by which faults name requests."""
    if path.startswith("/quantum-task/"):
        return "cancel" if path.endswith("/cancel") else "read"
    table = {"/quantum-task": "create", "/quantum-tasks": "list", "/devices": "devices"}
    if path in table:
        return table[path]
    if path.startswith("/device/"):
        return "devices"
    if path.startswith(("/tags/", "/spending-limit", "/job", "/price-offers")):
        return path.split("/")[1]
    return "result" if method in ("GET", "HEAD") else "store"


def fault_reply(name: str, message: str, fields: Mapping[str, Any] | None = None, status: int = 0) -> Response:
    """The service's form of an error."""
    body = {"message": message, **(fields or {})}
    return JSONResponse(body, status_code=status or STATUS[name], headers={"x-amzn-ErrorType": name})


def caller_of(request: Request) -> Caller:
    """Any well-formed SigV4 signature is somebody; which secret made it is not for the wire to know."""
    signed = _SIGNED.match(request.headers.get("authorization", ""))
    if signed is None:
        raise Fault("MissingAuthenticationTokenException", "Missing Authentication Token")
    return Caller(access_key=signed[1], region=signed[2])


Answer = tuple[int, "Mapping[str, Any]"]


def application(executor: Executor, store: ObjectStore, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application; ``extra`` routes are tried first, S3's catch-all last."""
    verbs = _Verbs(executor)
    arn = "{arn:path}"
    table: list[tuple[str, str, Callable[[Request, Caller, Any], Answer]]] = [
        ("POST", "/quantum-task", verbs.create),
        ("PUT", f"/quantum-task/{arn}/cancel", verbs.cancel),
        ("GET", f"/quantum-task/{arn}", verbs.task),
        ("POST", "/quantum-tasks", verbs.tasks),
        ("GET", f"/device/{arn}", verbs.device),
        ("POST", "/devices", verbs.devices),
        ("GET", f"/tags/{arn}", verbs.tags),
        ("POST", f"/tags/{arn}", verbs.tag),
        ("DELETE", f"/tags/{arn}", verbs.untag),
        ("POST", "/spending-limit", verbs.create_limit),
        ("PATCH", f"/spending-limit/{arn}/update", verbs.update_limit),
        ("DELETE", f"/spending-limit/{arn}/delete", verbs.delete_limit),
        ("POST", "/spending-limits", verbs.limits),
        ("POST", "/job", verbs.no_jobs),
        ("PUT", f"/job/{arn}/cancel", verbs.no_job),
        ("GET", f"/job/{arn}", verbs.no_job),
        ("POST", "/jobs", verbs.jobs),
    ]
    routes: list[BaseRoute] = [*extra]
    routes += [Route(path, _endpoint(verb), methods=[method]) for method, path, verb in table]
    routes.append(Route("/price-offers/index.csv", _prices(executor), methods=["GET"]))
    return Starlette(routes=[*routes, *object_routes(store)])


def _endpoint(verb: Callable[[Request, Caller, Any], Answer]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            document = json.loads(body) if body else {}
            caller = caller_of(request)
            status, answer = await run_in_threadpool(verb, request, caller, document)
        except Fault as fault:
            return fault_reply(fault.name, str(fault), fault.fields)
        except ValueError as error:
            return fault_reply("ValidationException", f"The request cannot be read: {error}")
        return JSONResponse(answer, status_code=status)

    return endpoint


def _prices(executor: Executor) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(await run_in_threadpool(executor.price_list), media_type="text/csv")

    return endpoint


class _Verbs:
    """One method for each operation: path, query and body in, answer out."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def create(self, _: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        problem = check_create(body)
        if problem:
            raise Fault("ValidationException", problem)
        return 201, {"quantumTaskArn": self._executor.create(body, caller)}

    def task(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        task = dict(self._executor.task(request.path_params["arn"]))
        if "QueueInfo" not in request.query_params.getlist("additionalAttributeNames"):
            task.pop("queueInfo", None)
        return 200, task

    def cancel(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        arn = request.path_params["arn"]
        return 200, {"quantumTaskArn": arn, "cancellationStatus": self._executor.cancel(arn)}

    def tasks(self, _: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        chosen = [task for task in self._executor.tasks(caller) if matches(task, body.get("filters") or ())]
        return 200, page_of("quantumTasks", chosen, body)

    def device(self, request: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        return 200, self._executor.device(request.path_params["arn"], caller)

    def devices(self, _: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        chosen = [device for device in self._executor.devices(caller) if matches(device, body.get("filters") or ())]
        return 200, page_of("devices", chosen, body)

    def tags(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        return 200, {"tags": self._executor.tags(request.path_params["arn"])}

    def tag(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        arn = request.path_params["arn"]
        self._executor.retag(arn, {**self._executor.tags(arn), **body.get("tags", {})})
        return 200, {}

    def untag(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        arn, gone = request.path_params["arn"], set(request.query_params.getlist("tagKeys"))
        self._executor.retag(arn, {key: text for key, text in self._executor.tags(arn).items() if key not in gone})
        return 200, {}

    def create_limit(self, _: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        return 201, {"spendingLimitArn": self._executor.create_limit(body, caller)}

    def update_limit(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        self._executor.update_limit(request.path_params["arn"], body)
        return 200, {}

    def delete_limit(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        self._executor.delete_limit(request.path_params["arn"])
        return 200, {}

    def limits(self, _: Request, caller: Caller, body: Any) -> Answer:  # noqa: ANN401  JSON
        shown = [_limit(limit) for limit in self._executor.limits(caller)]
        chosen = [limit for limit in shown if matches(limit, body.get("filters") or ())]
        return 200, page_of("spendingLimits", chosen, body)

    def no_jobs(self, _: Request, __: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        raise Fault("AccessDeniedException", _NO_JOBS)

    def no_job(self, request: Request, _: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        raise Fault("ResourceNotFoundException", f"No job {request.path_params['arn']}. {_NO_JOBS}")

    def jobs(self, _: Request, __: Caller, body: Any) -> Answer:  # noqa: ANN401, ARG002  JSON
        return 200, {"jobs": []}


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "spendingLimitArn": limit.arn,
        "deviceArn": limit.device,
        "timePeriod": {"startAt": limit.start_at, "endAt": limit.end_at},
        "spendingLimit": limit.amount,
        "queuedSpend": limit.queued,
        "totalSpend": limit.spent,
        "createdAt": limit.created_at,
        "updatedAt": limit.updated_at,
        "tags": dict(limit.tags),
    }
