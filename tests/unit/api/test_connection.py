"""What becomes of a connection that takes nothing of what we send, or of one too many?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from broker.api import connection
from broker.api.connection import Connection

PATIENCE_S = 20.0


class Endless:
    """Sends ``piece`` for ever, every ``pause_s``; knows when it was told that nobody takes it any more."""

    def __init__(self, piece, pause_s=0.0):
        self.piece = piece
        self.pause_s = pause_s
        self.left = threading.Event()
        self.sent = 0

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/brief":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})
            return
        gone = asyncio.ensure_future(self._gone(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": self.piece, "more_body": True})
            self.sent += len(self.piece)
            await asyncio.sleep(self.pause_s)
        self.left.set()

    @staticmethod
    async def _gone(receive):
        while (await receive())["type"] != "http.disconnect":
            pass


@contextlib.contextmanager
def serving(app):
    """The port of a server of ours on a thread."""
    config = uvicorn.Config(app, http=Connection, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    door = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def asking(port, path="/", *, buffer=None):
    """A connection that has sent a request."""
    made = socket.socket()
    made.settimeout(PATIENCE_S)
    if buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.connect(("127.0.0.1", port))
    made.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return made


def test_a10_a_reader_that_takes_nothing_is_gone_after_a_while(monkeypatch):
    monkeypatch.setattr(connection, "STALL_S", 1.0)
    app = Endless(b"a" * 65536)
    with serving(app) as port, asking(port, buffer=4096):
        assert app.left.wait(PATIENCE_S)
        sent = app.sent
        assert sent < 16 << 20  # what the system's buffers took, and no more: the sender waited


def test_a10_a_reader_that_goes_on_taking_is_not_sent_away(monkeypatch):
    monkeypatch.setattr(connection, "STALL_S", 1.0)
    app = Endless(b"a" * 65536)
    with serving(app) as port, asking(port, buffer=4096) as reader:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert reader.recv(65536)
            time.sleep(0.005)
        assert not app.left.is_set()


def test_a10_a_stream_that_says_little_is_not_taken_for_a_reader_that_stalls(monkeypatch):
    monkeypatch.setattr(connection, "STALL_S", 1.0)
    app = Endless(b": still here\n\n", pause_s=0.5)
    with serving(app) as port, asking(port) as reader:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert reader.recv(65536)
        assert not app.left.is_set()


def test_a10_the_one_that_waited_longest_gives_way_to_a_newcomer(monkeypatch):
    monkeypatch.setattr(connection, "connections_allowed", lambda: 3)
    with serving(Endless(b"")) as port, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) for _ in range(3)]
        newcomer = stack.enter_context(asking(port, "/brief"))
        assert newcomer.recv(65536).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionResetError):
            assert idle[0].recv(1) == b""
        for each in idle[1:]:
            each.settimeout(0.2)
            with pytest.raises(TimeoutError):
                each.recv(1)


def test_a10_where_all_places_are_in_use_a_newcomer_is_told_so(monkeypatch):
    monkeypatch.setattr(connection, "connections_allowed", lambda: 2)
    with serving(Endless(b"a", pause_s=0.1)) as port, contextlib.ExitStack() as stack:
        for _ in range(2):
            assert stack.enter_context(asking(port)).recv(65536)
        assert stack.enter_context(asking(port, "/brief")).recv(65536).startswith(b"HTTP/1.1 503")
