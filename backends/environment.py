"""What does the environment tell a vendor? Texts, also out of files, addresses, and secrets that never show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Secret:
    """A credential that shows itself only to ``reveal``; ``repr``, ``str`` and a format show dots."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The credential, for the one place that sends it or signs with it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def text(environ: Mapping[str, str], name: str) -> str:
    """A setting, or the text of the file that ``NAME_FILE`` names, without the space around it.

    Raises:
        ValueError: the file cannot be read.
    """
    path = environ.get(f"{name}_FILE", "")
    return (environ.get(name, "") or (_read(path, name) if path else "")).strip()


def required(environ: Mapping[str, str], name: str) -> str:
    """The same where there has to be one."""
    found = text(environ, name)
    if not found:
        raise ValueError(f"{name} or {name}_FILE is missing")
    return found


def secret(environ: Mapping[str, str], name: str, *, kind: str = "credential") -> Secret | None:
    """A setting that fits into a header, or None where nothing is set; the error never quotes it."""
    found = text(environ, name)
    if not found.isascii() or not found.isprintable() or " " in found:
        raise ValueError(f"{name} holds characters that no {kind} has")
    return Secret(found) if found else None


def address(url: str, name: str, *, carries: str = "") -> str:
    """``url`` without a trailing slash; ``carries`` says what makes https a must, except to this machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"{name} must be an http(s) address without credentials")
    if carries and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{name} must be https: {carries}")
    return url.rstrip("/")


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}_FILE cannot be read: {path}") from error
