"""Where is Quandela and who are we there? Read from the environment, once; the token never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.environment import Secret, address, secret

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOUD = "https://api.cloud.quandela.com"
PLATFORMS = ("sim:slos", "sim:ascella", "qpu:ascella", "qpu:altair", "qpu:belenos")
MAX_DURATION_S = 600
_PREFIX = "QSUBMIT_QUANDELA_"


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
    token = secret(environ, _PREFIX + "TOKEN", kind="token")
    sandbox = environ.get(_PREFIX + "SANDBOX_URL", "")
    if token:
        url = environ.get(_PREFIX + "URL") or CLOUD
        url = address(url, _PREFIX + "URL", carries="the token travels in a header")
        return _settings(environ, url=url, token=token, sandbox=False)
    if sandbox:
        url = address(sandbox, _PREFIX + "SANDBOX_URL")
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
