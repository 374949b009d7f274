"""How are the knobs turned and the ledger read? Routes under ``/_sandbox`` on the vendor's own port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from backends.sandboxing.knobs import Knobs
    from backends.sandboxing.ledger import Ledger


def admin_routes(knobs: Knobs, ledger: Ledger, forget: Callable[[], None], ring: Callable[[], None]) -> Mount:
    """``GET ledger``, ``GET|POST knobs``, ``POST reset`` (``?keep=tasks`` turns only the knobs back)."""

    async def read_ledger(_: Request) -> Response:
        return JSONResponse(ledger.document())

    async def read_knobs(_: Request) -> Response:
        return JSONResponse(knobs.document())

    async def turn_knobs(request: Request) -> Response:
        try:
            knobs.turn(**json.loads(await request.body()))
        except (TypeError, ValueError) as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        ring()
        return JSONResponse(knobs.document())

    async def reset(request: Request) -> Response:
        knobs.reset()
        if request.query_params.get("keep") != "tasks":
            forget()
        ring()
        return JSONResponse(knobs.document())

    return Mount(
        "/_sandbox",
        routes=[
            Route("/ledger", read_ledger, methods=["GET"]),
            Route("/knobs", read_knobs, methods=["GET"]),
            Route("/knobs", turn_knobs, methods=["POST"]),
            Route("/reset", reset, methods=["POST"]),
        ],
    )
