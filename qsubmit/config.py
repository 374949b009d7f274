"""Where is the hub and who am I? Arguments over environment over ``config.toml``; the key is never shown."""

# ruff: noqa: PTH111, PTH116, PTH118, PTH123  pathlib takes 15 ms, half of the client's start
from __future__ import annotations

import os

from qsubmit.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_URL = "http://127.0.0.1:8000"
OTHERS = 0o077


class Settings:
    """One resolved place and key. ``sources`` says where each came from; ``warnings`` what to tell the user."""

    __slots__ = ("api_key", "path", "profile", "project", "sources", "url", "warnings")

    def __init__(self, *, url: str, api_key: str | None, path: str, profile: str | None) -> None:
        self.url = url
        self.api_key = api_key
        self.path = path
        self.profile = profile
        self.project: str | None = None
        self.sources: dict[str, str] = {}
        self.warnings: list[str] = []

    def __repr__(self) -> str:
        """Without the key."""
        return f"Settings(url={self.url!r}, profile={self.profile!r})"


def config_path(environ: Mapping[str, str] = os.environ) -> str:
    """``$XDG_CONFIG_HOME/qsubmit/config.toml``, or the same below ``~/.config``."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "qsubmit", "config.toml")


def resolve(
    *,
    url: str | None = None,
    api_key: str | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings that a call uses.

    Raises:
        Usage: the file is broken, or the profile is not in it.
    """
    path = config_path(environ)
    document = read(path)
    profile = profile or environ.get("QSUBMIT_PROFILE") or document.get("default_profile")
    table = chosen(document, profile, path)
    found = Settings(url=DEFAULT_URL, api_key=None, path=path, profile=profile)
    _place(found, url, table, environ)
    _secret(found, api_key, table, environ)
    found.project = environ.get("QSUBMIT_PROJECT") or table.get("project")
    if table.get("api_key") and open_to_others(path):
        found.warnings.append(f"{path} holds a key and others can read it; run: chmod 600 {path}")
    return found


def read(path: str) -> dict[str, Any]:
    """The file's content; empty if there is no file. tomllib is loaded only if there is one."""
    try:
        with open(path, "rb") as file:
            import tomllib

            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as trouble:
        raise Usage(f"cannot read {path}: {trouble}", code="config_invalid") from trouble


def chosen(document: Mapping[str, Any], profile: str | None, path: str) -> dict[str, str]:
    """The top of the file, overlaid by the profile's table."""
    top = {name: document[name] for name in ("url", "api_key", "project") if name in document}
    if profile is None:
        return _texts(top, path)
    profiles = document.get("profile") or {}
    if profile not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise Usage(f"profile {profile!r} is not in {path}", code="config_invalid", hint=f"profiles there: {known}")
    own = profiles[profile]
    if "url" in own and "api_key" not in own:
        top.pop("api_key", None)
    return _texts({**top, **own}, path)


def _texts(table: Mapping[str, Any], path: str) -> dict[str, str]:
    for name in ("url", "api_key", "project"):
        if name in table and not isinstance(table[name], str):
            raise Usage(f"{name} in {path} is not text", code="config_invalid")
    return dict(table)


def _place(found: Settings, url: str | None, table: Mapping[str, str], environ: Mapping[str, str]) -> None:
    candidates = (("argument", url), ("QSUBMIT_URL", environ.get("QSUBMIT_URL")), (found.path, table.get("url")))
    for source, value in candidates:
        if value:
            found.url, found.sources["url"] = value.strip().rstrip("/"), source
            return
    found.sources["url"] = "default"


def _secret(found: Settings, api_key: str | None, table: Mapping[str, str], environ: Mapping[str, str]) -> None:
    for source, value in (("argument", api_key), ("QSUBMIT_API_KEY", environ.get("QSUBMIT_API_KEY"))):
        if value and value.strip():
            found.api_key, found.sources["api_key"] = printable(value.strip(), source), source
            return
    stored, home = table.get("api_key"), table.get("url")
    if not stored:
        return
    # A key from the file goes only to the file's own url: `QSUBMIT_URL=http://elsewhere qsubmit jobs` must not
    # hand the hub's key to whoever listens there.
    if home and home.strip().rstrip("/") != found.url:
        found.warnings.append(f"the key in {found.path} belongs to {home} and is not sent to {found.url}")
        return
    found.api_key, found.sources["api_key"] = printable(stored.strip(), found.path), found.path


def printable(key: str, source: str) -> str:
    """The key, if it can be a header at all."""
    if key.isascii() and key.isprintable() and " " not in key:
        return key
    raise Usage(f"the API key from {source} has characters that no key has", code="config_invalid")


def open_to_others(path: str) -> bool:
    """Whether group or world may read or write the file."""
    try:
        return os.name == "posix" and bool(os.stat(path).st_mode & OTHERS)
    except OSError:
        return False
