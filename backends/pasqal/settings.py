"""Where is Pasqal and who are we there? Read from the environment, once; the password never shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from backends.environment import Secret, address, required, text

if TYPE_CHECKING:
    from collections.abc import Mapping

REGIONS = ("fr", "sa")
_PREFIX = "QSUBMIT_PASQAL_"
_SANDBOX_PROJECT = "00000000-0000-4000-8000-000000000001"


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
    username = text(environ, _PREFIX + "USERNAME")
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
    region = text(environ, _PREFIX + "REGION") or "fr"
    if region not in REGIONS:
        raise ValueError(f"{_PREFIX}REGION must be one of {', '.join(REGIONS)}")
    return Settings(
        username=username,
        password=Secret(required(environ, _PREFIX + "PASSWORD")),
        project=_project(required(environ, _PREFIX + "PROJECT_ID")),
        region=region,
        core_url=_address(environ, "CORE_URL"),
        account_url=_address(environ, "ACCOUNT_URL"),
        token_url=_address(environ, "TOKEN_URL"),
        widths=_widths(text(environ, _PREFIX + "WIDTHS")),
    )


def _project(given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        raise ValueError(f"{_PREFIX}PROJECT_ID must be a UUID") from None


def _widths(given: str) -> dict[str, int]:
    """``EMU_FREE=12,EMU_SV=25``."""
    pairs = [pair.partition("=") for pair in given.replace(" ", "").split(",") if pair]
    if not all(name and number.isdecimal() and int(number) for name, _, number in pairs):
        raise ValueError(f"{_PREFIX}WIDTHS must read like EMU_FREE=12,EMU_SV=25")
    return {name: int(number) for name, _, number in pairs}


def _address(environ: Mapping[str, str], name: str) -> str | None:
    url = environ.get(_PREFIX + name, "")
    # The sandbox may stand on another machine of a test bench; it gets no real credential.
    carries = "" if name == "SANDBOX_URL" else "credentials travel to it"
    return address(url, _PREFIX + name, carries=carries) if url else None
