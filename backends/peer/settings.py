"""Which hubs are our peers, and who are we there? Read from the environment, once; a key never shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backends.environment import LOOPBACK, Secret, required, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "QSUBMIT_PEER_"
_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
_ALONE = "hub"


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """One hub: our word for it, its address without a trailing slash, and our API key there."""

    name: str
    url: str
    key: Secret = field(repr=False)


def settings_from(environ: Mapping[str, str]) -> tuple[Peer, ...]:
    """Every configured peer, in the order of the setting; none where nothing is set.

    ``QSUBMIT_PEER_URLS`` lists ``NAME=URL``, each with ``QSUBMIT_PEER_NAME_KEY`` or ``..._KEY_FILE``.
    ``QSUBMIT_PEER_URL`` is one hub, named by ``QSUBMIT_PEER_NAME``, with ``QSUBMIT_PEER_KEY`` or ``..._KEY_FILE``.

    Raises:
        ValueError: a setting is missing or cannot be used; the message never holds a key.
    """
    peers = [_listed(environ, entry) for entry in re.split(r"[,\s]+", text(environ, _PREFIX + "URLS")) if entry]
    url = text(environ, _PREFIX + "URL")
    if url:
        name = text(environ, _PREFIX + "NAME") or _ALONE
        peers.append(Peer(name=_name(name), url=_address(url, "URL"), key=_key(environ, "KEY")))
    names = [peer.name for peer in peers]
    if len(set(names)) != len(names):
        raise ValueError(f"{_PREFIX}URLS names a hub twice")
    return tuple(peers)


def _listed(environ: Mapping[str, str], entry: str) -> Peer:
    name, given, url = entry.partition("=")
    if not given:
        raise ValueError(f"{_PREFIX}URLS must read like seoul=https://hub.example,paris=https://other.example")
    return Peer(name=_name(name), url=_address(url, "URLS"), key=_key(environ, f"{name.upper()}_KEY"))


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a peer's name has lower-case letters and digits, not {name!r}")
    return name


def _address(url: str, setting: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{_PREFIX}{setting} must hold http(s) addresses without credentials")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{_PREFIX}{setting} must be https: a key travels to it")
    return url.rstrip("/")


def _key(environ: Mapping[str, str], setting: str) -> Secret:
    key = required(environ, _PREFIX + setting)
    if not key.isascii() or not key.isprintable():
        raise ValueError(f"{_PREFIX}{setting} is not an API key")
    return Secret(key)
