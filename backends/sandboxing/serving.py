"""How is a sandbox served? One uvicorn server on loopback, in the foreground or in a thread of a test."""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

START_TIMEOUT_S = 30.0


def listen(host: str, port: int) -> socket.socket:
    """A bound listening socket, so that the port is known before the server starts (0 picks a free one)."""
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


def serve_forever(app: ASGIApp, listener: socket.socket, announce: Callable[[str], None] | None) -> None:
    """Serve until a signal; announce ``ready URL`` (on stdout by default) once connections are accepted."""
    (announce or _say)(f"ready {url_of(listener)}")
    _server(app).run(sockets=[listener])


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
