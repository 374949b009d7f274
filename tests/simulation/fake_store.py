"""What does a database do, in memory? One transaction's view, row locks, one commit or none, in two dialects.

``sqlite``: one writer at a time (BEGIN IMMEDIATE), who else writes waits up to the busy timeout.
``postgresql``: writers are READ COMMITTED, readers see one moment; rows are locked by whoever updates them or selects
them FOR UPDATE, SKIP LOCKED passes them by, and two transactions may interleave at every statement.

``Store.write`` and ``Store.read`` are the real functions, with only their ``Work`` replaced.
"""

from __future__ import annotations

import types
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from broker.store import unit_of_work
from broker.store.unit_of_work import Store, Work
from tests.simulation.fake_books import Archive, Audit, Catalogue, Events, Leases, Ledger, Orphans, People
from tests.simulation.fake_jobs import Attempts, Jobs
from tests.simulation.fake_money import Charges, Counters
from tests.simulation.fake_watch import Breakers, Hosts, Spoiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from broker.store.unit_of_work import Doorbell
    from tests.simulation.stage import Parked, Stage

TABLES = (
    "jobs", "attempts", "budgets", "usage", "orphans", "programs", "decisions", "snapshots", "results", "leases",
    "devices", "prices", "rates", "pauses", "members", "shares", "resubmit", "access", "breakers", "spoiled",
    "hosts",
    "charges", "counters", "tier_holds",
)  # fmt: skip
LOGS = ("entries", "events", "audit")
BUSY = 60_000_000
_NOTHING = nullcontext()


class Locked(Exception):
    """SQLite: the write lock was not free within the busy timeout."""


class Deadlock(Exception):
    """PostgreSQL: two transactions wait for each other; this one is the victim."""


_NAMES = dict(vars(unit_of_work))


def _code(method: Any) -> types.CodeType:
    """The body of a function under ``contextmanager``."""
    code: types.CodeType = method.__wrapped__.__code__
    return code


class FakeStore(Store):
    """The committed state, and the real ``write`` and ``read`` over it."""

    def __init__(
        self, stage: Stage, doorbell: Doorbell, *, dialect: str = "sqlite", breathe: Callable[[], int] | None = None
    ) -> None:
        self.dialect = SimpleNamespace(name=dialect)
        # It is its own engine.
        super().__init__(self, doorbell)  # type: ignore[arg-type]
        self.stage = stage
        self.one_writer = dialect == "sqlite"
        self.breathe = breathe
        self.tables: dict[str, dict[Any, Any]] = {name: {} for name in TABLES}
        self.logs: dict[str, list[Any]] = {name: [] for name in LOGS}
        self.locks: dict[tuple[str, Any], Transaction] = {}
        self.refuses: str | None = None  # a character that this database does not take
        self.checking: Callable[[Transaction], None] = lambda _: None
        self.ended: Callable[[], None] = lambda: None

    def execution_options(self, **_: Any) -> FakeStore:
        return self

    def begin(self) -> Transaction:
        """A write transaction: all of it, or nothing if it is left by any exception."""
        return Transaction(self)

    def connect(self) -> Transaction:
        """A transaction that only reads."""
        return Transaction(self, writes=False)

    write = contextmanager(types.FunctionType(_code(Store.write), _NAMES, "write", ("",)))
    read = contextmanager(types.FunctionType(_code(Store.read), _NAMES))


class Transaction:
    """What one transaction sees: the newest committed rows, under its own."""

    __slots__ = ("_alone", "_breathe", "_held", "_store", "_writes", "logs", "rows", "tables", "waiters", "waits_for")

    def __init__(self, store: FakeStore, *, writes: bool = True) -> None:
        self._store = store
        self._writes = writes
        self._alone = False  # whether nobody else can write until the end
        self._breathe = None if store.one_writer else store.breathe
        self._held: list[tuple[str, Any]] = []
        # A reader sees one moment (REPEATABLE READ); a writer sees the newest rows at every statement.
        torn = self._breathe is not None and not writes
        self.tables = {name: dict(rows) for name, rows in store.tables.items()} if torn else store.tables
        self.rows: dict[str, dict[Any, Any]] = {}
        self.logs: dict[str, list[Any]] = {}
        self.waiters: list[Parked] = []
        self.waits_for: Transaction | None = None

    def begin(self) -> AbstractContextManager[None]:
        """What a reading connection does; it has nothing to commit."""
        return _NOTHING

    def __enter__(self) -> Self:
        if self._writes and self._store.one_writer:
            self.lock("database", None)
            self._alone = True
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._writes:
            return
        try:
            if kind is None:
                self.commit()
        finally:
            self.end()

    def statement(self) -> None:
        """Between two statements others may act."""
        if self._breathe is not None and (pause := self._breathe()):
            self._store.stage.sleep(pause)

    def row(self, table: str, key: Any) -> Any:
        """One row as this transaction sees it, or None."""
        mine = self.rows.get(table)
        if mine is not None and key in mine:
            return mine[key]
        return self.tables[table].get(key)

    def all(self, table: str) -> list[Any]:
        """Every row as this transaction sees it."""
        mine = self.rows.get(table)
        return list(({**self.tables[table], **mine} if mine else self.tables[table]).values())

    def put(self, table: str, key: Any, value: Any) -> None:
        """Write a row; it is locked until the end."""
        if not self._alone:
            self.lock(table, key)
        mine = self.rows.get(table)
        if mine is None:
            self.rows[table] = {key: value}
        else:
            mine[key] = value

    def keep(self, table: str, key: Any, value: Any) -> bool:
        """INSERT ... ON CONFLICT DO NOTHING; whether the row is new."""
        self.lock(table, key)
        if self.row(table, key) is not None:
            return False
        self.rows.setdefault(table, {})[key] = value
        return True

    def log(self, name: str) -> list[Any]:
        """The rows of an append-only table as this transaction sees it."""
        return self._store.logs[name] + self.logs.get(name, [])

    def append(self, name: str, values: list[Any]) -> None:
        """Append to an append-only table."""
        if not self._writes:
            raise RuntimeError("written in a reading transaction")
        self.logs.setdefault(name, []).extend(values)

    def lock(self, table: str, key: Any, *, skip: bool = False) -> bool:
        """Hold a row until the end; wait for who holds it, or with ``skip`` say False."""
        if self._alone:
            return True
        if not self._writes:
            raise RuntimeError("locked in a reading transaction")
        store = self._store
        locks, name = store.locks, (table, key)
        deadline = store.stage.now + BUSY
        while (owner := locks.get(name)) is not None:
            if owner is self:
                return True
            if skip:
                return False
            self._wait(owner, deadline)
        locks[name] = self
        self._held.append(name)
        return True

    def _wait(self, owner: Transaction, deadline: int) -> None:
        stage, other = self._store.stage, owner.waits_for
        while other is not None:
            if other is self:
                raise Deadlock
            other = other.waits_for
        if self._store.one_writer and stage.now >= deadline:
            raise Locked
        self.waits_for = owner
        parked = stage.park()
        owner.waiters.append(parked)
        if self._store.one_writer:
            stage.at(deadline, parked.actor, parked)
        try:
            stage.wait(parked)
        finally:
            self.waits_for = None

    def takes(self, text: str | None) -> None:
        """What a driver does with a text that its database does not know: it refuses the whole statement."""
        if text is not None and self._store.refuses is not None and self._store.refuses in text:
            raise ValueError("a character that the database does not take")

    def commit(self) -> None:
        """Make everything visible at once."""
        self._store.checking(self)
        for name, rows in self.rows.items():
            self.tables[name].update(rows)
        for name, values in self.logs.items():
            self._store.logs[name].extend(values)

    def end(self) -> None:
        """Let go of every lock."""
        for name in self._held:
            del self._store.locks[name]
        self._held.clear()
        for parked in self.waiters:
            self._store.stage.at(self._store.stage.now, parked.actor, parked)
        if "jobs" in self.rows or not self._alone:
            self._store.ended()


class _Repository:
    """Made when it is asked for: most transactions use two or three of nine."""

    def __init__(self, kind: Callable[[Transaction], Any]) -> None:
        self._kind = kind

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, work: FakeWork, _: type) -> Any:
        made = work.__dict__[self._name] = self._kind(work.connection)  # type: ignore[arg-type]
        return made


class FakeWork(Work):
    """The repositories of one transaction; what waits for its end is the real code's."""

    jobs = _Repository(Jobs)
    attempts = _Repository(Attempts)
    ledger = _Repository(Ledger)
    charges = _Repository(Charges)
    counters = _Repository(Counters)
    orphans = _Repository(Orphans)
    breakers = _Repository(Breakers)
    spoiled = _Repository(Spoiled)
    hosts = _Repository(Hosts)
    archive = _Repository(Archive)
    events = _Repository(Events)
    audit = _Repository(Audit)
    leases = _Repository(Leases)
    people = _Repository(People)
    catalogue = _Repository(Catalogue)

    def __init__(self, connection: Transaction) -> None:
        self.connection = connection  # type: ignore[assignment]
        self._moves = []
        self._acts = []
        self._acted_at = None
        self.rings = {}


_NAMES["Work"] = FakeWork
