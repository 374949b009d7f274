"""How does one request reach Pasqal, at most once and in bounded time? No retry, no redirect, no kept connection."""

from __future__ import annotations

import io
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from backends.exchange import MAX_REPLY_BYTES, Reply, Unanswered, Unsent, within

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK = 1 << 16


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


def ask(letter: Letter, *, seconds: float) -> Reply:
    """Send one request and wait at most ``seconds`` for the whole exchange, name resolution included.

    Raises:
        Unsent: the connection could not be opened.
        Unanswered: anything went wrong after that.
    """
    deadline = time.monotonic() + seconds
    try:
        return within(seconds, lambda: _send(letter, deadline), name="pasqal-exchange")
    except TimeoutError:
        raise Unanswered(f"{letter.method}: no whole answer in {seconds:g} s") from None
    except requests.RequestException as error:
        # The cause stays out: it holds the prepared request, and that the credentials.
        if _never_sent(error):
            raise Unsent(f"cannot reach pasqal: {type(error).__name__}") from None
        raise Unanswered(f"{letter.method}: {type(error).__name__}") from None


def _send(letter: Letter, deadline: float) -> Reply:
    with requests.Session() as session:
        request = requests.Request(
            letter.method,
            letter.url,
            headers={**letter.headers, "Connection": "close"},
            params=letter.params,
            data=None if letter.body is None else _Body(letter.body, deadline),
        )
        prepared = session.prepare_request(request)
        surroundings = session.merge_environment_settings(prepared.url or "", {}, None, None, None)
        left = max(deadline - time.monotonic(), 0.001)
        response = session.send(prepared, timeout=left, allow_redirects=False, **{**surroundings, "stream": True})
        with response:
            return _reply(response)


class _Body(io.BytesIO):
    """A body that can no longer be sent once the sender has given up: a create must not land later."""

    def __init__(self, content: bytes, deadline: float) -> None:
        super().__init__(content)
        self._deadline = deadline

    def read(self, size: int | None = -1) -> bytes:
        if time.monotonic() > self._deadline:
            raise requests.Timeout("too late to send")
        return super().read(size)


def _reply(response: requests.Response) -> Reply:
    content = bytearray()
    for block in response.iter_content(_BLOCK):
        content += block
        if len(content) > MAX_REPLY_BYTES:
            raise requests.RequestException("the answer is too long")
    return Reply.of(response.status_code, bytes(content), response.headers.get("Retry-After"))


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the error came before the first byte: no name, no connection, or no trust in the server."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    first = error.args[0] if error.args else None
    reason = first.reason if isinstance(first, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return True
    inner = reason.args[0] if reason is not None and reason.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)
