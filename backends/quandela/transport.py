"""How does one request reach Quandela, exactly once, and in bounded time? No retry, no redirect, no kept connection."""

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
    from backends.quandela.settings import Settings

MAX_REPLY_BYTES = 64 << 20


class Unsent(Exception):
    """No byte of the request can have reached the vendor."""


class Unanswered(Exception):
    """The request may have reached the vendor; no whole answer came back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer as it came. ``document`` is its JSON object, or None where it is not one."""

    status: int
    retry_after: str | None
    document: dict[str, Any] | None


class Transport:
    """One connection per request. ``ask`` either returns a whole reply or says which of two doubts is left."""

    def __init__(self, settings: Settings) -> None:
        self._address = urlsplit(settings.url)
        self._token = settings.token
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    def ask(self, method: str, path: str, *, timeout_s: float, body: dict[str, Any] | None = None) -> Reply:
        """Send one request and wait at most ``timeout_s`` for the whole exchange.

        Raises:
            Unsent: the connection could not be opened.
            Unanswered: anything went wrong after that.
        """
        line = self._connect(timeout_s)
        sock = line.sock
        # A timeout of the socket starts anew with every byte that trickles in; this one does not.
        watch = threading.Timer(timeout_s, _hang_up, (sock,))
        watch.daemon = True
        started = time.monotonic()
        watch.start()
        try:
            line.request(method, self._address.path + path, *self._letter(body))
            return _read(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            spent = time.monotonic() - started
            raise Unanswered(f"{method} {path}: {type(error).__name__} after {spent:.1f} s") from None
        finally:
            watch.cancel()
            line.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
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
        return line

    def _letter(self, body: dict[str, Any] | None) -> tuple[bytes | None, dict[str, str]]:
        headers = {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Accept": "application/json",
            "Connection": "close",
            "User-Agent": "qsubmit",
        }
        if body is None:
            return None, headers
        headers["Content-Type"] = "application/json"
        return json.dumps(body, separators=(",", ":")).encode(), headers


def _read(line: http.client.HTTPConnection) -> Reply:
    answer = line.getresponse()
    content = answer.read(MAX_REPLY_BYTES + 1)
    if len(content) > MAX_REPLY_BYTES:
        raise ValueError("the answer is too long")
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    return Reply(
        status=answer.status,
        retry_after=answer.getheader("Retry-After"),
        document=_object(content),
    )


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
