"""Do the promises of docs/architecture.md hold in the stored rows? Checked on one snapshot, told in words, kept."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from broker.domain.finding import Finding
from broker.store import job_checks, money_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from broker.store.unit_of_work import Store

SHOWN = 5

# By their number in docs/architecture.md. 2, 4, 9 and 11 are not facts about rows: a stale scanner has its own
# metric, the sweep asks the vendor, the fence is in the write itself, and readers are held to theirs by tests.
CHECKS: Mapping[str, tuple[Callable[[Connection], Iterator[str]], ...]] = {
    "1": (job_checks.admitted_once,),
    "3": (job_checks.billed_once,),
    "5": (money_checks.sums_to_zero,),
    "6": (money_checks.within_budgets,),
    "7": (job_checks.held_while_live, money_checks.held_in_the_journal),
    "8": (job_checks.moved_by_the_table,),
    "10": (job_checks.sealed_before_shown,),
    "12": (job_checks.chained,),
    "13": (
        money_checks.owed_is_charged,
        money_checks.billed_is_booked,
        money_checks.lost_runs_are_booked,
        money_checks.charges_are_booked,
    ),
}
MEANING = {
    "1": "an accepted job exists exactly once per project and idempotency key",
    "3": "at most one billable vendor job per job",
    "5": "double entry sums to zero per currency",
    "6": "held + spent stays within every budget, and is what the jobs add up to",
    "7": "a hold exists if and only if the job is live",
    "8": "only listed moves happened, and they form a chain",
    "10": "a result is there and its hash matches before a job shows as succeeded",
    "12": "the audit chain verifies",
    "13": "what vendors bill is what members paid and the platform lost",
}


def verify(store: Store, at: datetime) -> list[Finding]:
    """Every check on one snapshot of the database; nothing is written."""
    with store.engine.connect() as plain:
        # Two statements of one check must see the same rows. SQLite's readers do; PostgreSQL's only if asked.
        asked = plain.dialect.name == "postgresql"
        connection = plain.execution_options(isolation_level="REPEATABLE READ") if asked else plain
        with connection.begin():
            return [_finding(name, connection, at) for name in CHECKS]


def _finding(name: str, connection: Connection, at: datetime) -> Finding:
    count, sample = 0, list[str]()
    for check in CHECKS[name]:
        broken = check(connection)
        sample += islice(broken, SHOWN - len(sample))
        count += sum(1 for _ in broken)
    return Finding(invariant=name, checked_at=at, violations=count + len(sample), sample=tuple(sample))


def verify_and_keep(store: Store, at: datetime) -> list[Finding]:
    """Verify, and keep what was found for the metrics."""
    found = verify(store, at)
    with store.write() as work:
        work.findings.replace(found)
    return found
