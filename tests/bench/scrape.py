"""How long does the first scrape take? A gateway that starts over 140,000 ended jobs, which a worker has counted."""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from broker.metrics import Metrics
from broker.services.count import AT_ONCE, SETTLED, count_journal, count_moves
from tests.support.books import day

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from broker.store.unit_of_work import Store

JOBS = 140_000
GOAL_S = 0.3
# One ended job with its moves, lines and result, over and over under other names.
MULTIPLIED = {
    "jobs": "id, idempotency_key",
    "events": "job_id",
    "entries": "job_id",
    "attempts": "id, job_id, token",
    "results": "job_id",
}
Row = tuple[str, float, float, float, str]


def first_scrape(scratch: Path, *, rounds: int) -> Row:
    """Seconds of the first scrape, without what a worker has stored and with it."""
    scratch.mkdir(parents=True)
    with day(scratch) as books:
        books.work(jobs=1)
        with books.store.engine.begin() as connection:
            for table, renamed in MULTIPLIED.items():
                _multiply(connection, table, tuple(renamed.split(", ")))
        anew = _scrape(books.store, books)
        at = books.clock()
        while count_moves(books.store, AT_ONCE):
            pass
        for passed in (timedelta(0), SETTLED):
            count_journal(books.store, at + passed)
        stored = median(_scrape(books.store, books) for _ in range(rounds))
    return (
        f"seconds of the first scrape at {JOBS:,} jobs, counted anew vs stored",
        anew,
        stored,
        GOAL_S / stored,
        ">= 1",
    )


def _scrape(store: Store, books: object) -> float:
    began = time.perf_counter()
    page = Metrics().expose(store, books.clock())  # type: ignore[attr-defined]
    if f'from="none",to="accepted",vendor="braket"}} {JOBS + 1}.0'.encode() not in page:
        raise SystemExit("the scrape does not count every job")
    return time.perf_counter() - began


def _multiply(connection: Connection, table: str, renamed: tuple[str, ...]) -> None:
    columns = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
    columns = [name for name in columns if name != "seq"]
    made = [f"{name} || '-' || n" if name in renamed else f'"{name}"' for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    connection.exec_driver_sql(
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {JOBS}) "
        f"INSERT INTO {table} ({names}) SELECT {', '.join(made)} FROM numbers, (SELECT * FROM {table})"
    )
