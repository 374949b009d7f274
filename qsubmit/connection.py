"""How does one request travel? Keep-alive over http.client; every failure becomes a typed error."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from qsubmit import __version__
from qsubmit.errors import ServerTrouble, Unreachable, Usage, of_problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from http.client import HTTPMessage, HTTPResponse
    from typing import Any

    from qsubmit.shapes import Json

MAX_IDLE = 8
IDLE_S = 4.0  # uvicorn closes an idle socket after 5 s
OK = range(200, 300)


class Answer:
    """A read answer; ``document`` is its JSON."""

    __slots__ = ("document", "headers", "status")

    def __init__(self, status: int, headers: HTTPMessage, document: Json) -> None:
        self.status = status
        self.headers = headers
        self.document = document


class Connection:
    """Requests to one base URL. Thread-safe: each request has a socket of its own, and idle ones are kept."""

    def __init__(self, url: str, api_key: str | None, *, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Usage(f"{url!r} is no http(s) URL", code="config_invalid", hint="set QSUBMIT_URL")
        self.url = url
        self._timeout = timeout
        self._host, self._port = parts.hostname, _port(parts, url)
        self._class = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._prefix = parts.path.rstrip("/")
        self._idle: list[tuple[float, HTTPConnection]] = []
        self._headers = {"Accept": "application/json", "User-Agent": f"qsubmit/{__version__}"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        reuse: bool = True,
        welcome: Container[int] = (),
    ) -> Answer:
        """One request, one answer. ``reuse=False`` takes a new socket, so that the server cannot have closed it.

        Statuses in ``welcome`` are answers too, beside 2xx.

        Raises:
            Unreachable: no complete answer; the server may or may not have acted.
            QsubmitError: the server's problem, typed.
        """
        wire = (self._reused() if reuse else None) or self._open(self._timeout)
        try:
            response = self._send(wire, method, path, body=body, headers=headers)
            content = response.read()
        except (OSError, HTTPException) as trouble:
            wire.close()
            raise self._unreachable(trouble) from trouble
        except BaseException:
            wire.close()
            raise
        self._keep(wire, response)
        return _read(response, content, welcome)

    def stream(self, path: str, *, headers: Mapping[str, str], timeout: float) -> HTTPResponse:
        """An open answer to read line by line; closing it closes its socket."""
        wire = self._open(timeout)
        try:
            response = self._send(wire, "GET", path, headers={**headers, "Connection": "close"})
            if response.status in OK:
                return response
            content = response.read()
        except (OSError, HTTPException) as trouble:
            wire.close()
            raise self._unreachable(trouble) from trouble
        except BaseException:
            wire.close()
            raise
        wire.close()
        _read(response, content)
        raise ServerTrouble(f"{self.url} answered {response.status} to a stream", status=response.status)

    def close(self) -> None:
        """Close idle sockets; the connection can be used again."""
        while self._idle:
            self._idle.pop()[1].close()

    def __del__(self) -> None:
        """A client that is dropped without ``close`` leaves no open socket behind."""
        for _, wire in getattr(self, "_idle", ()):
            wire.close()

    def _open(self, timeout: float) -> HTTPConnection:
        return self._class(self._host, self._port, timeout=timeout)

    def _send(
        self,
        wire: HTTPConnection,
        method: str,
        path: str,
        *,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        sent = {**self._headers, **(headers or {})}
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            sent["Content-Type"] = "application/json"
        wire.request(method, self._prefix + path, body=content, headers=sent)
        return wire.getresponse()

    def _keep(self, wire: HTTPConnection, response: HTTPResponse) -> None:
        if response.will_close or len(self._idle) >= MAX_IDLE:
            wire.close()
        else:
            self._idle.append((time.monotonic(), wire))

    def _reused(self) -> HTTPConnection | None:
        while self._idle:
            since, wire = self._idle.pop()
            if time.monotonic() - since < IDLE_S:
                return wire
            wire.close()
        return None

    def _unreachable(self, trouble: Exception) -> Unreachable:
        if "CERTIFICATE_VERIFY_FAILED" in str(trouble):
            hint = "is this the right address? a private authority is trusted through SSL_CERT_FILE"
            return Unreachable(f"the certificate of {self.url} is not trusted", code="certificate", hint=hint)
        hint = "start it with `qsubmit up`, or set QSUBMIT_URL"
        return Unreachable(f"cannot reach {self.url}: {reason(trouble)}", hint=hint)


def _port(parts: Json, url: str) -> int | None:
    try:
        port: int | None = parts.port
    except ValueError:
        raise Usage(f"{url!r} has no valid port", code="config_invalid", hint="set QSUBMIT_URL") from None
    return port


def reason(trouble: Exception) -> str:
    """A few lower-case words."""
    if isinstance(trouble, TimeoutError):
        return "no answer in time"
    words = getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__
    return str(words)[:1].lower() + str(words)[1:]


def _read(response: HTTPResponse, content: bytes, welcome: Container[int] = ()) -> Answer:
    status = response.status
    try:
        document = json.loads(content) if content else None
    except ValueError:
        document = None
        if status in OK:
            said = content[:40].decode(errors="replace")
            raise ServerTrouble(f"the answer is not JSON: {said!r}", hint="is this a qsubmit server?") from None
    if status in OK or (status in welcome and document is not None):
        return Answer(status, response.headers, document)
    problem: dict[str, Any] = document if isinstance(document, dict) else {}
    asked = problem.get("retry_after")
    problem = {**problem, "retry_after": _seconds(response.headers.get("Retry-After") if asked is None else asked)}
    raise of_problem(status, problem)


def _seconds(asked: Json) -> float | None:
    try:
        seconds = float(asked)
    except (ValueError, TypeError, OverflowError):
        return None
    return seconds if 0 <= seconds < float("inf") else None  # neither NaN nor for ever
