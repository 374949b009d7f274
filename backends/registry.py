"""Which backends are there? Those that entry points name, whose extra is installed and whose settings are given."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from backends.base import Backend

GROUP = "qsubmit.backends"

_log = logging.getLogger(__name__)


class Factory(Protocol):
    """What an entry point of the group names."""

    def __call__(self, *, data: Path, environ: Mapping[str, str]) -> Backend | None:
        """The backend, or None where nothing configures it. Starts nothing and connects to nothing."""


class UnknownBackend(LookupError):
    """A backend was asked for by a name that no installed distribution provides."""


def load(names: Sequence[str] | None, *, data: Path, environ: Mapping[str, str]) -> dict[str, Backend]:
    """The configured backends among ``names`` (None: all), by name; only these are imported.

    Raises:
        UnknownBackend: one of ``names`` is no backend.
        ImportError: one of ``names`` needs an extra that is not installed. With None such a one is left out.
    """
    found = available()
    missing = sorted(set(names or ()) - found.keys())
    if missing:
        raise UnknownBackend(f"no backend {', '.join(missing)}; there are {', '.join(sorted(found))}")
    loaded = {}
    for name, point in found.items():
        if names is None or name in names:
            backend = _made(point, data=data, environ=environ, asked=names is not None)
            if backend is not None:
                loaded[name] = backend
    return loaded


def available(points: Iterable[EntryPoint] | None = None) -> dict[str, EntryPoint]:
    """All entry points of the group by name, in the order of their names; nothing is imported."""
    every = entry_points(group=GROUP) if points is None else points
    return {point.name: point for point in sorted(every, key=lambda point: point.name)}


def _made(point: EntryPoint, *, data: Path, environ: Mapping[str, str], asked: bool) -> Backend | None:
    try:
        factory: Factory = point.load()
        return factory(data=data, environ=environ)
    except ImportError as error:
        if asked:
            raise
        _log.info("backend %s is left out: %s", point.name, error)
        return None
