"""Where is the one commit? Everything a use case changes is written together; doorbells ring after it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from broker.crash import crashpoint
from broker.store.archive import Archive
from broker.store.attempts import Attempts
from broker.store.audit import Audit
from broker.store.breakers import Breakers
from broker.store.catalogue import Catalogue
from broker.store.charges import Charges
from broker.store.clocks import Clocks
from broker.store.counters import Counters
from broker.store.counts import Counts
from broker.store.engine import WRITE
from broker.store.events import Events
from broker.store.findings import Findings
from broker.store.hosts import Hosts
from broker.store.jobs import Jobs
from broker.store.leases import Leases
from broker.store.ledger import Ledger
from broker.store.orphans import Orphans
from broker.store.people import People
from broker.store.retention import Retention
from broker.store.specs import SpecsRows
from broker.store.spoiled import Spoiled
from broker.store.tenancy import Tenancy
from broker.store.walls import Walls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.engine import Connection

    from broker.domain.job import Job
    from broker.domain.lifecycle import JobEvent


class Doorbell(Protocol):
    """Says "look now" to the workers of a backend; may be lost."""

    def ring(self, backend: str, job: str | None = None) -> None:
        """Return at once; never raise."""


class Work:
    """One transaction's repositories, and what waits for its end."""

    def __init__(self, connection: Connection) -> None:
        self.jobs = Jobs(connection)
        self.attempts = Attempts(connection)
        self.ledger = Ledger(connection)
        self.charges = Charges(connection)
        self.counters = Counters(connection)
        self.orphans = Orphans(connection)
        self.archive = Archive(connection)
        self.events = Events(connection)
        self.audit = Audit(connection)
        self.leases = Leases(connection)
        self.clocks = Clocks(connection)
        self.counts = Counts(connection)
        self.people = People(connection)
        self.tenancy = Tenancy(connection)
        self.catalogue = Catalogue(connection)
        self.specs = SpecsRows(connection)
        self.findings = Findings(connection)
        self.walls = Walls(connection)
        self.retention = Retention(connection)
        self.spoiled = Spoiled(connection)
        self.breakers = Breakers(connection)
        self.hosts = Hosts(connection)
        self.connection = connection
        self._moves: list[tuple[Job, JobEvent]] = []
        self._acts: list[dict[str, Any]] = []
        self._acted_at: datetime | None = None
        self.rings: dict[tuple[str, str | None], None] = {}

    def moved(self, job: Job, *moves: JobEvent) -> None:
        """Remember moves; they are written last, in commit order."""
        self._moves += [(job, move) for move in moves]

    def acted(self, act: dict[str, Any], at: datetime) -> None:
        """Remember an act for the audit chain."""
        self._acts.append(act)
        self._acted_at = at

    def ring(self, backend: str, job: str | None = None) -> None:
        """Ring after the commit."""
        self.rings[backend, job] = None

    @contextmanager
    def trial(self) -> Iterator[None]:
        """A part that may fail alone: then it is as if it had not been tried, and the rest can go on."""
        moves, acts = len(self._moves), len(self._acts)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            del self._moves[moves:], self._acts[acts:]
            raise

    def flush(self) -> None:
        """Write what waits for the end of the transaction."""
        if self._acted_at is not None:
            self.audit.append(self._acts, self._acted_at)
        self.events.append(self._moves)


class Store:
    """The database as use cases see it."""

    def __init__(self, engine: Engine, doorbell: Doorbell) -> None:
        self.engine = engine
        self._doorbell = doorbell
        self._writing = engine.execution_options(**{WRITE: True})
        # SQLite reads one moment by itself; PostgreSQL would look anew at every statement.
        one_moment = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        self._reading = engine.execution_options(**one_moment)

    @contextmanager
    def write(self, scene: str = "") -> Iterator[Work]:
        """One write transaction: commits on a clean end, then rings; ``scene`` names its crash points."""
        with self._writing.begin() as connection:
            work = Work(connection)
            yield work
            work.flush()
            if scene:
                crashpoint(f"{scene}.before_commit")
        if scene:
            crashpoint(f"{scene}.after_commit")
        for backend, job in work.rings:
            self._doorbell.ring(backend, job)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """One consistent look."""
        with self._reading.connect() as connection, connection.begin():
            yield Work(connection)
