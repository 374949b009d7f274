"""How is a sandbox served? One uvicorn server on loopback, in the foreground or in a thread of a test."""

from __future__ import annotations

import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

START_TIMEOUT_S = 30.0
INHERITED = "fd://"
LOOK_S = 1.0


def listen(host: str, port: int) -> socket.socket:
    """A bound listening socket, so that the port is known before the server starts (0 picks a free one).

    ``fd://N`` as host is the listening socket that whoever started us has left open as descriptor N.
    """
    if host.startswith(INHERITED):
        return socket.socket(fileno=int(host.removeprefix(INHERITED)))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(256)
    return listener


def url_of(listener: socket.socket) -> str:
    """Where the listener answers."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def serve_forever(
    app: ASGIApp,
    listener: socket.socket,
    announce: Callable[[str], None] | None,
    *,
    idle: Callable[[], bool],
    rest_s: float | None = None,
) -> None:
    """Serve until a signal; announce ``ready URL`` (on stdout by default) once connections are accepted.

    With ``rest_s``, end too when nobody has asked anything for so long and ``idle`` says that nothing is left to do.
    """
    (announce or _say)(f"ready {url_of(listener)}")
    heard = Heard(app)
    server = _server(heard)
    if rest_s is not None:
        threading.Thread(target=_rest, args=(server, heard, idle, rest_s), name="rest", daemon=True).start()
    server.run(sockets=[listener])


class Heard:
    """An application, and since when nobody has asked it anything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asking = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask."""
        self._asking += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._asking -= 1
            self._last = time.monotonic()

    def quiet_s(self) -> float:
        """Seconds since the last answer; 0 while somebody waits for one."""
        return 0.0 if self._asking else time.monotonic() - self._last


def _rest(server: uvicorn.Server, heard: Heard, idle: Callable[[], bool], rest_s: float) -> None:
    while not server.should_exit:
        time.sleep(min(LOOK_S, rest_s))
        if heard.quiet_s() >= rest_s and idle():
            server.should_exit = True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Served:
    """A server in a thread; ``close`` ends it."""

    def __init__(self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = listen(host, port)
        self.url = url_of(self._listener)
        self._server = _server(app)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop accepting, then join the thread."""
        self._server.should_exit = True
        self._thread.join(timeout=START_TIMEOUT_S)
        self._listener.close()
