"""Is everything as promised after a crash? The vendors' own ledgers first, then our rows against each other."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from backends.sandbox import vendors
from broker.domain.ids import attempt_id, token_of
from broker.domain.lifecycle import LIVE, NEXT, TERMINAL, JobState
from broker.store import tables
from broker.store.audit import Audit
from broker.store.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.engine import Connection

    from tests.support.crash_hub import CrashHub

Row = "Mapping[str, Any]"


def check(hub: CrashHub, acknowledged: Mapping[str, str]) -> dict[str, str]:
    """Every promise; ``acknowledged`` is job id by Idempotency-Key. Returns the state of each acknowledged job."""
    with hub.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(tables.jobs)).mappings()]
        jobs = {row["id"]: row for row in rows}
        for key, job in acknowledged.items():
            assert [row["id"] for row in rows if row["idempotency_key"] == key] == [job], f"{key}: not exactly one job"
        _events(connection, jobs)
        _attempts(connection, jobs)
        _results(connection, jobs)
        _money(connection, jobs)
        assert Audit(connection).broken_at() is None, "the audit chain is broken"
        paid = _paid(connection)
    for vendor in vendors():
        _witnessed(vendor, hub.vendors.ledger(vendor), jobs, paid)
    return {job: jobs[job]["state"] for job in acknowledged.values()}


def _events(connection: Connection, jobs: Mapping[str, Row]) -> None:
    moves = defaultdict(list)
    for event in connection.execute(select(tables.events).order_by(tables.events.c.seq)).mappings():
        moves[event["job_id"]].append((event["before"], event["after"]))
    assert moves.keys() == jobs.keys(), "a job without events, or events without a job"
    for job, path in moves.items():
        assert path[0] == (None, "accepted"), (job, path)
        for (_, came), (before, after) in itertools.pairwise(path):
            assert came == before, (job, path)
            assert after in NEXT[JobState(before)], (job, path)
        assert path[-1][1] == jobs[job]["state"], (job, path)
        ends = [after for _, after in path if after in TERMINAL]
        assert len(ends) == (jobs[job]["state"] in TERMINAL), (job, path)


def _attempts(connection: Connection, jobs: Mapping[str, Row]) -> None:
    numbers = defaultdict(list)
    for attempt in connection.execute(select(tables.attempts)).mappings():
        assert attempt["job_id"] in jobs, f"attempt {attempt['id']} has no job"
        assert attempt["id"] == attempt_id(attempt["job_id"], attempt["number"])
        numbers[attempt["job_id"]].append(attempt["number"])
    for job, row in jobs.items():
        assert sorted(numbers[job]) == list(range(1, row["attempt"] + 1)), (job, row["attempt"], numbers[job])


def _results(connection: Connection, jobs: Mapping[str, Row]) -> None:
    kept = {row["job_id"]: row for row in connection.execute(select(tables.results)).mappings()}
    assert kept.keys() == {job for job, row in jobs.items() if row["state"] == "succeeded"}
    for job, row in kept.items():
        assert hashlib.sha256(row["body"].encode()).hexdigest() == row["sha256"], f"result of {job}"


def _money(connection: Connection, jobs: Mapping[str, Row]) -> None:
    """Holds exist for live jobs alone; budgets are the sums of their jobs; the journal says the same."""
    assert set(Ledger(connection).sums().values()) <= {0}
    held, spent = Counter[str](), Counter[str]()
    for job, row in jobs.items():
        assert (row["held"] > 0) <= (row["state"] in LIVE), f"{job} {row['state']} holds {row['held']}"
        assert row["state"] in TERMINAL or row["held"] == row["quoted"], f"{job} {row['state']} lost its hold"
        for budget in json.loads(row["budgets"]):
            held[budget] += row["held"]
            spent[budget] += row["charged"] or 0
    for budget in connection.execute(select(tables.budgets)).mappings():
        assert budget["held"] == held[budget["id"]], f"{budget['owner']} holds {budget['held']}"
        assert budget["spent"] == spent[budget["id"]], f"{budget['owner']} spent {budget['spent']}"
    booked = Counter[tuple[str, str]]()
    for entry in connection.execute(select(tables.entries)).mappings():
        booked[entry["job_id"], entry["account"].rpartition(":")[2]] += entry["micros"]
    for job, row in jobs.items():
        assert booked[job, "held"] == row["held"], f"journal of {job}"
        assert booked[job, "spent"] == (row["charged"] or 0), f"journal of {job}"


def _paid(connection: Connection) -> Mapping[str, int]:
    """What each job's books owe its vendor, in the vendor's currency."""
    owed = Counter[str]()
    for entry in connection.execute(select(tables.entries)).mappings():
        if entry["account"].endswith(":payable") and entry["job_id"]:
            owed[entry["job_id"]] -= entry["micros"]
    return owed


def _witnessed(
    vendor: str, ledger: Mapping[str, Iterable[Row]], jobs: Mapping[str, Row], paid: Mapping[str, int]
) -> None:
    """At most one job at the vendor for one of ours, exactly one where ours succeeded, and the same bill."""
    mine = {job: row for job, row in jobs.items() if row["backend"] == vendor}
    owner = {token_of(attempt_id(job, n)): job for job, row in mine.items() for n in range(1, row["attempt"] + 3)}
    creates, charges = Counter[str](), Counter[str]()
    for row in ledger["creates"]:
        assert row["token"] in owner, f"{vendor} has a job that nobody knows: {row}"
        creates[owner[row["token"]]] += 1
    for row in ledger["charges"]:
        charges[owner[row["token"]]] += row["micros"]
    for job, row in mine.items():
        assert creates[job] <= 1, f"{vendor} was sent {job} {creates[job]} times"
        assert row["state"] != "succeeded" or creates[job] == 1, f"{job} succeeded and {vendor} never saw it"
        if row["state"] in TERMINAL:
            assert charges[job] == paid[job], f"{vendor} charged {charges[job]} for {job}, our books say {paid[job]}"
