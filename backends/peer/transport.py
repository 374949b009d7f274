"""How does one request reach a peer, exactly once, and in bounded time? No retry, no redirect, no kept connection."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.peer.settings import Peer

MAX_REPLY_BYTES = 256 << 20


class Unsent(Exception):
    """No byte of the request can have reached the peer."""


class Unanswered(Exception):
    """The request may have reached the peer; no whole answer came back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer as it came. ``document`` is its JSON object, or None where it is not one."""

    status: int
    text: str
    document: dict[str, Any] | None
    retry_after: str | None = None


class Transport:
    """One connection per request. ``ask`` either returns a whole reply or says which of two doubts is left."""

    def __init__(self, peer: Peer, *, seconds: float) -> None:
        self._address = urlsplit(peer.url)
        self._key = peer.key
        self._seconds = seconds
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    def ask(self, method: str, path: str, *, body: bytes | None = None, token: str | None = None) -> Reply:
        """Send one request and wait at most ``seconds`` for the whole exchange; ``token`` is its Idempotency-Key.

        Raises:
            Unsent: the connection could not be opened.
            Unanswered: anything went wrong after that.
        """
        started = time.monotonic()
        line = self._connect()
        # A timeout of the socket starts anew with every byte that trickles in; this one does not.
        left = max(self._seconds - (time.monotonic() - started), 0.01)
        watch = threading.Timer(left, _hang_up, (line.sock,))
        watch.daemon = True
        watch.start()
        try:
            line.request(method, self._address.path + path, body, self._headers(body, token))
            return _read(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            spent = time.monotonic() - started
            raise Unanswered(f"{method} {path}: {type(error).__name__} after {spent:.1f} s") from None
        finally:
            watch.cancel()
            line.close()

    def _connect(self) -> http.client.HTTPConnection:
        host = self._address.hostname or ""
        line: http.client.HTTPConnection
        if self._tls:
            port = self._address.port or 443
            line = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._tls)
        else:
            line = http.client.HTTPConnection(host, self._address.port or 80, timeout=self._seconds)
        try:
            line.connect()
        except OSError as error:
            line.close()
            raise Unsent(f"cannot reach {host}: {type(error).__name__}") from None
        return line

    def _headers(self, body: bytes | None, token: str | None) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Bearer {self._key.reveal()}",
            "Accept": "application/json",
            "Connection": "close",
            "User-Agent": "qsubmit-peer",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Idempotency-Key"] = token
        return headers


def _read(line: http.client.HTTPConnection) -> Reply:
    answer = line.getresponse()
    content = answer.read(MAX_REPLY_BYTES + 1)
    if len(content) > MAX_REPLY_BYTES:
        raise ValueError("the answer is too long")
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    text = content.decode("utf-8")
    retry_after = answer.getheader("Retry-After")
    return Reply(status=answer.status, text=text, document=_object(text), retry_after=retry_after)


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
