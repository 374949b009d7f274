"""Which status does an error get? One table, and one shape: problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from broker.domain import errors

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

log = logging.getLogger("qsubmit.api")

STATUS: dict[type[errors.QsubmitError], int] = {
    errors.ProgramInvalid: 422,
    errors.RequestInvalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.AccessRefused: 403,
    errors.NotFound: 404,
    errors.Removed: 410,
    errors.NoDevice: 409,
    errors.BudgetExceeded: 402,
    errors.IdempotencyMismatch: 422,
    errors.IdempotencyInFlight: 409,
    errors.NotCancellable: 409,
    errors.NotReady: 409,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    402: "Budget exceeded",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    411: "Length required",
    413: "Too large",
    414: "Address too long",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal error",
    503: "Unavailable",
}


def problem(status: int, code: str, detail: str, *, retry_after: float | None = None, **more: object) -> Response:
    """A problem+json answer; members that are None are left out."""
    body: dict[str, object] = {
        "type": f"urn:qsubmit:error:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    body |= {name: value for name, value in (more | {"retry_after": retry_after}).items() if value is not None}
    # Text from a hostile program may hold lone surrogates, which UTF-8 cannot carry; ASCII escapes can.
    content = json.dumps(body).encode("ascii")
    response = Response(content, status_code=status, media_type="application/problem+json")
    if status == 401:  # noqa: PLR2004  RFC 9110 asks for it
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def of_error(error: errors.QsubmitError) -> Response:
    """The answer to an error of the domain."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    refusals = getattr(error, "refusals", None)
    return problem(
        status,
        error.code,
        error.detail,
        hint=error.hint,
        line=getattr(error, "line", None),
        column=getattr(error, "column", None),
        pointer=getattr(error, "pointer", None),
        refusals=[{"device": d, "rule": rule, "reason": why} for d, rule, why in refusals] if refusals else None,
        budget=getattr(error, "budget", None),
        removed_at=getattr(error, "removed_at", None),
        rule=getattr(error, "rule", None),
        retry_after=getattr(error, "retry_after", None),
    )


def of_validation(found: list[Any], *, body: bool = True) -> Response:
    """The answer to a request that does not fit its model: the first fault, with a pointer."""
    first = found[0]
    place = [part for part in first["loc"] if body or part not in ("body", "query", "path", "header")]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return problem(422, "request_invalid", f"{first['msg']}{more}", pointer=pointer or None)


async def _domain(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.QsubmitError)  # noqa: S101  registered for nothing else
    return of_error(error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    code = CODES.get(error.status_code, "request_invalid")
    answer = problem(error.status_code, code, str(error.detail))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _validation(_request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        return of_validation(list(error.errors()), body=False)
    assert isinstance(error, ValidationError)  # noqa: S101  registered for nothing else
    return of_validation(list(error.errors()))


def of_outage(error: Exception) -> Response:
    """The answer while the database is away."""
    log.error("the database does not answer: %s", error)
    return problem(503, "unavailable", "the database does not answer; try again", retry_after=1)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return of_outage(error)


def of_unforeseen(error: Exception) -> Response:
    """The answer to what nobody thought of; who sees the log learns what it was."""
    log.error("unforeseen %s", type(error).__name__, exc_info=error)
    return problem(500, "internal", "something went wrong here; the operators see it in the log")


async def _unforeseen(_request: Request, error: Exception) -> Response:
    return of_unforeseen(error)


def register(app: FastAPI) -> None:
    """Every error of the application becomes a problem."""
    app.add_exception_handler(errors.QsubmitError, _domain)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ValidationError, _validation)
    app.add_exception_handler(OperationalError, _unavailable)
    app.add_exception_handler(PoolTimeout, _unavailable)  # every connection of the pool was busy for too long
    app.add_exception_handler(Exception, _unforeseen)
