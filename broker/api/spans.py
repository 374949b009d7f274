"""What does a request look like in a trace? One span per request, whose trace id a new job takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from broker.tracing import Tracing

TRACE_KEY = "qsubmit.trace"


class Spans:
    """Only there when tracing is on."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on inside a span that is named by route, never by path."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")
        method = scope["method"]
        with self._tracing.span(method, parent=parent, about={"http.request.method": method}) as span:
            scope[TRACE_KEY] = f"{span.get_span_context().trace_id:032x}"

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            try:
                await self._app(scope, receive, noted)
            finally:
                route = getattr(scope.get("route"), "path", "other")
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
