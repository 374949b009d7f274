"""How does one request reach a server, exactly once, and in bounded time? No retry, no redirect, no kept connection."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backends.exchange import MAX_REPLY_BYTES, Reply, Unanswered, Unsent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.environment import Secret


class Transport:
    """One connection per request. ``ask`` either returns a whole reply or says which of two doubts is left."""

    def __init__(self, url: str, key: Secret, *, agent: str, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._address = urlsplit(url)
        self._key = key
        self._agent = agent
        self._max_reply_bytes = max_reply_bytes
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request with a JSON body and wait at most ``timeout_s`` for the whole exchange.

        Raises:
            Unsent: the connection could not be opened, or not in time.
            Unanswered: anything went wrong after that.
        """
        started = time.monotonic()
        line = self._connect(timeout_s)
        # A timeout of the socket starts anew with every byte that trickles in; this one does not.
        watch = threading.Timer(timeout_s - (time.monotonic() - started), _hang_up, (line.sock,))
        watch.daemon = True
        watch.start()
        try:
            line.request(method, self._address.path + path, body, self._headers(body, headers or {}))
            return self._read(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            spent = time.monotonic() - started
            raise Unanswered(f"{method} {path}: {type(error).__name__} after {spent:.1f} s") from None
        finally:
            watch.cancel()
            line.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        deadline = time.monotonic() + timeout_s
        host = self._address.hostname or ""
        line: http.client.HTTPConnection
        if self._tls:
            port = self._address.port or 443
            line = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
        else:
            line = http.client.HTTPConnection(host, self._address.port or 80, timeout=timeout_s)
        try:
            line.connect()
        except OSError as error:
            line.close()
            raise Unsent(f"cannot reach {host}: {type(error).__name__}") from None
        # A name with several addresses is tried for this long at each: too late, a create must not be sent at all.
        if time.monotonic() >= deadline:
            line.close()
            raise Unsent(f"cannot reach {host} in {timeout_s:g} s")
        return line

    def _headers(self, body: bytes | None, more: Mapping[str, str]) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Bearer {self._key.reveal()}",
            "Accept": "application/json",
            "Connection": "close",
            "User-Agent": self._agent,
        }
        return {**headers, **({} if body is None else {"Content-Type": "application/json"}), **more}

    def _read(self, line: http.client.HTTPConnection) -> Reply:
        answer = line.getresponse()
        content = answer.read(self._max_reply_bytes + 1)
        if len(content) > self._max_reply_bytes:
            raise ValueError("the answer is too long")
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return Reply.of(answer.status, content, answer.getheader("Retry-After"))


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
