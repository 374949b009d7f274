"""Fixtures of a whole gateway: on SQLite where the database does not matter, on both where it does."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import opened
from tests.support.gateway import World, furnish, world

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def furnished_file(migrated_file, tmp_path_factory) -> Path:
    """An SQLite file with the small hubs in it, to be copied."""
    path = Path(shutil.copy(migrated_file, tmp_path_factory.mktemp("furnished") / "furnished.db"))
    with opened(f"sqlite:///{path}") as store:
        furnish(store)
    return path


@pytest.fixture
def furnished(furnished_file, tmp_path, bell) -> Iterator[object]:
    """A store on SQLite with the small hubs."""
    with opened(f"sqlite:///{shutil.copy(furnished_file, tmp_path / 'furnished.db')}", bell) as store:
        yield store


@pytest.fixture
def gateway(furnished, tmp_path) -> Iterator[World]:
    """A gateway on SQLite."""
    with world(furnished, data=tmp_path) as made:
        yield made


@pytest.fixture
def both(store, tmp_path) -> Iterator[World]:
    """A gateway on each kind of database."""
    furnish(store)
    with world(store, data=tmp_path) as made:
        yield made


@pytest.fixture
def limited(furnished, tmp_path):
    """A gateway with settings of its own."""

    @contextmanager
    def start(**settings):
        with world(furnished, **({"data": tmp_path} | settings)) as made:
            yield made

    return start
