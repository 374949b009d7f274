"""How do the knobs reach Pasqal's interface? The shared faults around it, spoken in the vendor's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from backends.pasqal.wire.routes import application, refusal
from backends.sandboxing.admin import admin_routes
from backends.sandboxing.faults import Faults
from backends.sandboxing.knobs import Fault, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp

    from backends.pasqal.wire.executor import Executor
    from backends.sandboxing.knobs import Knobs
    from backends.sandboxing.ledger import Ledger

_WORDS = {
    Trouble.THROTTLE: (429, "Too many requests"),
    Trouble.UNAVAILABLE: (503, "The service is unavailable"),
    Trouble.UNAUTHORIZED: (401, "The token has expired"),
    Trouble.INVALID: (422, "The batch is not valid"),
}


def shell(
    executor: Executor,
    knobs: Knobs,
    ledger: Ledger,
    *,
    forget: Callable[[], None],
    ring: Callable[[], None],
) -> ASGIApp:
    """The interface with the admin routes beside it and the faults around both."""
    routes = [admin_routes(knobs, ledger, forget, ring), Mount("/", app=application(executor))]
    return Faults(Starlette(routes=routes), knobs, kind_of=kind_of, voice=voice)


def kind_of(method: str, path: str) -> str:
    """The kind of request that a fault names: ``create``, ``add``, ``list``, ``read``, ``cancel`` and so on."""
    if path == "/oauth/token":
        return "login"
    if "/results" in path:
        return "result"
    if "/devices/" in path or path.startswith("/account"):
        return "devices"
    last = path.rsplit("/", 1)[-1]
    if method == "POST":
        return {"batches": "create", "jobs": "add"}.get(last, "create")
    if method == "PATCH":
        return "cancel" if "/cancel" in path else "change"
    return "list" if last in ("batches", "jobs") else "read"


def voice(fault: Fault) -> Response:
    """A failure as the vendor would say it."""
    code, words = _WORDS.get(fault.trouble, (500, "Internal error"))
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return refusal(code, words, headers=headers)
