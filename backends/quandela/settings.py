"""Where is Quandela and who are we there? Read from the environment, once; the token never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOUD = "https://api.cloud.quandela.com"
PLATFORMS = ("sim:slos", "sim:ascella", "qpu:ascella", "qpu:altair", "qpu:belenos")
MAX_DURATION_S = 600
_PREFIX = "QSUBMIT_QUANDELA_"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Secret:
    """A credential that shows itself only to ``reveal``; ``repr`` and ``str`` show dots."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The credential, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """``url`` has no trailing slash. ``platforms`` are the vendor's names of what the hub's offer includes.

    ``max_duration_s`` is sent with every job: the vendor stops it there, and the worst case of a hold rests on it.
    """

    url: str
    token: Secret = field(repr=False)
    platforms: tuple[str, ...]
    sandbox: bool
    max_duration_s: int = MAX_DURATION_S


def settings_from(environ: Mapping[str, str]) -> Settings | None:
    """The real vendor where a token is configured, else the sandbox where its address is, else None.

    Raises:
        ValueError: a setting cannot be used; the message names it and never holds the token.
    """
    token = _secret(environ, "TOKEN")
    sandbox = environ.get(_PREFIX + "SANDBOX_URL", "")
    if token:
        url = environ.get(_PREFIX + "URL") or CLOUD
        return _settings(environ, url=_address(url, "URL"), token=token, sandbox=False)
    if sandbox:
        url = _address(sandbox, "SANDBOX_URL")
        return _settings(environ, url=url, token=Secret("sandbox"), sandbox=True)
    return None


def _settings(environ: Mapping[str, str], *, url: str, token: Secret, sandbox: bool) -> Settings:
    named = environ.get(_PREFIX + "PLATFORMS", "")
    platforms = tuple(name.strip() for name in named.split(",") if name.strip())
    return Settings(
        url=url,
        token=token,
        platforms=platforms or PLATFORMS,
        sandbox=sandbox,
        max_duration_s=_seconds(environ),
    )


def _seconds(environ: Mapping[str, str]) -> int:
    text = environ.get(_PREFIX + "MAX_DURATION_S") or str(MAX_DURATION_S)
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{_PREFIX}MAX_DURATION_S must be a whole number of seconds")
    return int(text)


def _address(url: str, name: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"{_PREFIX}{name} must be an http(s) address without credentials")
    if parts.scheme == "http" and name == "URL" and parts.hostname not in _LOOPBACK:
        raise ValueError(f"{_PREFIX}{name} must be https: the token travels in a header")
    return url.rstrip("/")


def _secret(environ: Mapping[str, str], name: str) -> Secret | None:
    text = environ.get(_PREFIX + name, "")
    path = environ.get(_PREFIX + name + "_FILE", "")
    if not text and path:
        text = _read(path, name)
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{_PREFIX}{name} holds characters that no token has")
    return Secret(text)


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{_PREFIX}{name}_FILE cannot be read: {path}") from error
