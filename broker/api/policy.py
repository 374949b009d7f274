"""What may a browser do with an answer? Headers on every response; the one page of ours has a policy of its own."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from fastapi.openapi.docs import get_swagger_ui_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An answer is never a page: nothing in it may load, run, be framed or be guessed to be something else.
STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", STRICT.encode()),
)
NAMES = frozenset(name for name, _ in ALWAYS)
# Where FastAPI's page takes its parts from.
SCRIPTS, PICTURES = "https://cdn.jsdelivr.net", "https://fastapi.tiangolo.com"


async def page(request: Request) -> Response:
    """The interface in a browser: parts from elsewhere, and its own script by hash and no other."""
    root = request.scope.get("root_path", "").rstrip("/")
    answer = get_swagger_ui_html(openapi_url=f"{root}/openapi.json", title="qsubmit")
    inline = re.findall(rb"<script>(.*?)</script>", answer.body, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(each).digest()).decode()}'" for each in inline)
    answer.headers["content-security-policy"] = (
        f"default-src 'none'; script-src {SCRIPTS} {hashes}; style-src {SCRIPTS} 'unsafe-inline'; "
        f"img-src 'self' data: {PICTURES}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return answer


def _with_policy(given: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    said = {name for name, _ in given}
    return [*given, *(ALWAYS if said.isdisjoint(NAMES) else (pair for pair in ALWAYS if pair[0] not in said))]


class Policy:
    """Adds to every answer what it does not say itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the answer's head."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_policy(message["headers"])
            await send(message)

        await self._app(scope, receive, guarded)
