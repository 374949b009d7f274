"""How does one request reach a server, at most once and in bounded time? No retry, no redirect, no kept connection."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import zlib
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from backends.exchange import MAX_REPLY_BYTES, Reply, Unanswered, Unsent, within

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from backends.environment import Secret

_GZIP = zlib.MAX_WBITS | 16
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One request; ``body`` is what goes over the wire. Its ``repr`` shows neither headers nor body."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, Any] | None = None
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Letter({self.method} …)"


def ask(letter: Letter, *, seconds: float, max_reply_bytes: int = MAX_REPLY_BYTES) -> Reply:
    """Send one request and wait at most ``seconds`` for the whole exchange, name resolution included.

    ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY`` and ``SSL_CERT_FILE`` are obeyed.

    Raises:
        Unsent: the connection could not be opened, or not in time.
        Unanswered: anything went wrong after that.
    """
    exchange = _Exchange(letter, deadline=time.monotonic() + seconds, max_reply_bytes=max_reply_bytes)
    try:
        return within(seconds, exchange.run, name="exchange")
    except TimeoutError:
        # The thread goes on for a while and nobody hears it; its connection ends, so that nothing lands later.
        exchange.hang_up()
        trouble = f"no whole answer in {seconds:g} s" if exchange.begun else f"no connection in {seconds:g} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The cause stays out: it may hold the request, and that the credentials.
        trouble = type(error).__name__
    doubt = Unanswered if exchange.begun else Unsent
    raise doubt(f"{letter.method} {exchange.host}: {trouble}")


class Transport:
    """Requests with one bearer token to one base address."""

    def __init__(self, url: str, key: Secret, *, agent: str, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._url = url
        self._key = key
        self._agent = agent
        self._max_reply_bytes = max_reply_bytes

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
            Unsent, Unanswered: as of ``ask``.
        """
        mine = {"Authorization": f"Bearer {self._key.reveal()}", "Accept": "application/json"}
        mine |= {"User-Agent": self._agent, **({} if body is None else {"Content-Type": "application/json"})}
        letter = Letter(method=method, url=self._url + path, headers={**mine, **(headers or {})}, body=body)
        return ask(letter, seconds=timeout_s, max_reply_bytes=self._max_reply_bytes)


class _Exchange:
    """One connection for one request. ``begun``: a byte of it may have been sent."""

    def __init__(self, letter: Letter, *, deadline: float, max_reply_bytes: int) -> None:
        self._letter = letter
        self._address = urlsplit(letter.url)
        self._deadline = deadline
        self._max_reply_bytes = max_reply_bytes
        self._line: http.client.HTTPConnection | None = None
        self.host = self._address.hostname or ""
        self.begun = False

    def run(self) -> Reply:
        line, target = _line_to(self._address, seconds=self._left())
        self._line = line
        try:
            line.connect()
            # A name with several addresses is tried for this long at each: a create that is late must not be sent.
            self.begun = True
            if time.monotonic() >= self._deadline:
                self.begun = False
                raise TimeoutError
            headers = {**self._letter.headers, "Connection": "close"}
            line.request(self._letter.method, self._with_query(target), self._letter.body, headers)
            return self._read(line)
        finally:
            line.close()

    def hang_up(self) -> None:
        sock = None if self._line is None else self._line.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    def _with_query(self, target: str) -> str:
        query = urlencode(self._letter.params or {}, doseq=True)
        return f"{target}{'&' if '?' in target else '?'}{query}" if query else target

    def _read(self, line: http.client.HTTPConnection) -> Reply:
        answer = line.getresponse()
        content = answer.read(self._max_reply_bytes + 1)
        if len(content) > self._max_reply_bytes:
            raise ValueError("the answer is too long")
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        if (answer.getheader("Content-Encoding") or "").lower() == "gzip":  # not asked for, and some stores send it
            content = _unpacked(content, self._max_reply_bytes)
        return Reply.of(answer.status, content, answer.getheader("Retry-After"))


def _unpacked(content: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        whole = stream.decompress(content, most + 1)
    except zlib.error as error:
        raise ValueError("the answer is no gzip") from error
    if len(whole) > most or not stream.eof:
        raise ValueError("the answer is too long, or cut")
    return whole


def _line_to(address: SplitResult, *, seconds: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, straight or through a proxy, and what to ask on it."""
    host, port = address.hostname or "", address.port or _PORTS[address.scheme]
    path = address.path + (f"?{address.query}" if address.query else "")
    proxy = None if proxy_bypass(host) else getproxies().get(address.scheme)
    if proxy is None:
        return _open(address.scheme, host, port, seconds), path
    through = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    line = _open(address.scheme, through.hostname or "", through.port or _PORTS[through.scheme], seconds)
    if address.scheme == "https":
        line.set_tunnel(host, port, _credentials(through))
        return line, path
    return line, f"http://{address.netloc}{path}"


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _open(scheme: str, host: str, port: int, seconds: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=seconds)
