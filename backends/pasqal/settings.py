"""Where is Pasqal and who are we there? Read from the environment, once; the password never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

REGIONS = ("fr", "sa")
_PREFIX = "QSUBMIT_PASQAL_"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SANDBOX_PROJECT = "00000000-0000-4000-8000-000000000001"


class Secret:
    """A credential that shows itself only to ``reveal``; ``repr``, ``str`` and a format show dots."""

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
    """An account and its addresses; an address that is None is the SDK's own for ``region``.

    ``widths`` bounds atoms by device type where the vendor publishes no limit.
    """

    username: str
    password: Secret = field(repr=False)
    project: str
    region: str = "fr"
    core_url: str | None = None
    account_url: str | None = None
    token_url: str | None = None
    widths: Mapping[str, int] = field(default_factory=dict)
    sandbox: bool = False


def settings_from(environ: Mapping[str, str]) -> Settings | None:
    """The real vendor where a user is configured, else the sandbox where its address is, else None.

    Raises:
        ValueError: a setting is missing or cannot be used; the message never holds the password.
    """
    username = _text(environ, "USERNAME")
    if username:
        return _account(environ, username)
    sandbox = _address(environ, "SANDBOX_URL")
    return sandbox_settings(sandbox) if sandbox else None


def sandbox_settings(url: str) -> Settings:
    """The account of a sandbox, which accepts every well-formed one."""
    return Settings(
        username="sandbox",
        password=Secret("sandbox"),
        project=_SANDBOX_PROJECT,
        core_url=f"{url}/core-fast",
        account_url=f"{url}/account",
        token_url=f"{url}/oauth/token",
        sandbox=True,
    )


def _account(environ: Mapping[str, str], username: str) -> Settings:
    region = _text(environ, "REGION") or "fr"
    if region not in REGIONS:
        raise ValueError(f"{_PREFIX}REGION must be one of {', '.join(REGIONS)}")
    return Settings(
        username=username,
        password=Secret(_required(environ, "PASSWORD")),
        project=_project(_required(environ, "PROJECT_ID")),
        region=region,
        core_url=_address(environ, "CORE_URL"),
        account_url=_address(environ, "ACCOUNT_URL"),
        token_url=_address(environ, "TOKEN_URL"),
        widths=_widths(_text(environ, "WIDTHS")),
    )


def _project(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError(f"{_PREFIX}PROJECT_ID must be a UUID") from None


def _widths(text: str) -> dict[str, int]:
    """``EMU_FREE=12,EMU_SV=25``."""
    pairs = [pair.partition("=") for pair in text.replace(" ", "").split(",") if pair]
    if not all(name and number.isdecimal() and int(number) for name, _, number in pairs):
        raise ValueError(f"{_PREFIX}WIDTHS must read like EMU_FREE=12,EMU_SV=25")
    return {name: int(number) for name, _, number in pairs}


def _address(environ: Mapping[str, str], name: str) -> str | None:
    url = environ.get(_PREFIX + name, "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"{_PREFIX}{name} must be an http(s) address without credentials")
    # The sandbox may stand on another machine of a test bench; it gets no real credential.
    if parts.scheme == "http" and name != "SANDBOX_URL" and parts.hostname not in _LOOPBACK:
        raise ValueError(f"{_PREFIX}{name} must be https: credentials travel to it")
    return url.rstrip("/")


def _required(environ: Mapping[str, str], name: str) -> str:
    text = _text(environ, name)
    if not text:
        raise ValueError(f"{_PREFIX}{name} or {_PREFIX}{name}_FILE is missing")
    return text


def _text(environ: Mapping[str, str], name: str) -> str:
    """A setting, or the text of the file that ``..._FILE`` names."""
    text = environ.get(_PREFIX + name, "")
    path = environ.get(_PREFIX + name + "_FILE", "")
    if not text and path:
        text = _read(path, name)
    return text.strip()


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{_PREFIX}{name}_FILE cannot be read: {path}") from error
