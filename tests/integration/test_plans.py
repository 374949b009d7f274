"""Does the work of a gateway and of a worker grow with a hub's past? Plans of their queries on 100,000 jobs."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from broker.api.stream import PAGE, WINDOW
from broker.domain.attempt import Attempt
from broker.domain.ids import uuid7
from broker.domain.lifecycle import JobState
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from broker.reads import jobs as reads
from broker.reads.jobs import Filter
from broker.reads.moves import moves_of
from broker.services import feed
from broker.services.claim import Claim, claim
from broker.services.market import Market
from broker.store import tables
from broker.store.bulk import insert_rows
from broker.store.requirement_text import dump_requirement
from broker.store.rows import attempt_row, job_row, micros
from tests.support.databases import BOTH, opened
from tests.support.gateway import BELL, NOW, furnish, member_id
from tests.support.jobs import job

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.unit_of_work import Store

PAST = 100_000
QUEUED = 600
THERE = 300
GROWS = {"jobs", "events", "attempts", "results", "entries", "each", "first", "later"}  # with their aliases
MOST_ROWS = 30_000  # read by one query on PostgreSQL; routing alone looks back so far, a stream at half of it
MOST_STEPS = 400_000  # of SQLite's machine for one query; a look at each of the jobs takes over a million
ATTEMPT = Attempt(
    id="", job="", number=1, device="local/aer", backend="local", token="", intent_at=NOW, fence=1, remote_id="r",
)  # fmt: skip
MOVES = (None, "accepted", "queued", "succeeded")


@dataclass
class Past:
    """A store with a long past, and who has it."""

    store: Store
    ada: Member
    cyd: Member
    last: str
    queries: list[tuple[str, Any]]

    @contextmanager
    def asked(self):
        """Keep every query of the block."""
        self.queries.clear()

        def keep(_connection, _cursor, statement, parameters, *_):
            if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                self.queries.append((statement, parameters))

        event.listen(self.store.engine, "before_cursor_execute", keep)
        try:
            yield
        finally:
            event.remove(self.store.engine, "before_cursor_execute", keep)
        assert self.queries


@pytest.fixture(scope="module", params=BOTH)
def past(request, tmp_path_factory):
    """Both kinds of database, each with the same past; not analysed on SQLite, as in a hub."""
    if request.param == "sqlite":
        url = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path_factory.mktemp("past") / "qsubmit.db")
        with opened(f"sqlite:///{url}") as store:
            yield lived(store)
        return
    with request.getfixturevalue("postgres").migrated() as url, opened(url) as store:
        made = lived(store)
        with store.engine.connect() as connection:  # what autovacuum does in a hub, by and by
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
        yield made


def lived(store: Store) -> Past:
    """Ada's project had a hundred thousand jobs, and has some now; Cyd's, of the same organisation, had three."""
    furnish(store)
    program = Program.of(Format.OPENQASM2, BELL)
    with store.write() as work:
        work.archive.keep_programs([(program, json.dumps(dump_requirement(inspect(program))))])
        ada, bob, cyd = (work.people.member(member_id(name)) for name in ("ada", "bob", "cyd"))
    by = lambda member, **more: job(  # noqa: E731
        hub=member.hub, organisation=member.organisation, project=member.project, member=member.id,
        program=program.sha256, device="local/aer", backend="local", **more,
    )  # fmt: skip
    over = {"state": JobState.SUCCEEDED, "due_at": None}
    for start in range(0, PAST, 10_000):
        keep(store, by(ada, **over), [named(number) for number in range(start, start + 10_000)])
    keep(store, by(cyd, **over), [named(PAST // 2, b"c"), named(7, b"c"), named(PAST - 9, b"c")])
    for number, member in enumerate((ada, bob, cyd)):
        ids = [named(PAST + number * QUEUED + each) for each in range(QUEUED // 3)]
        keep(store, by(member, due_at=NOW), ids)
    there = by(ada, state=JobState.SUBMITTED, due_at=NOW + timedelta(minutes=1))
    keep(store, there, [named(2 * PAST + number) for number in range(THERE)])
    return Past(store=store, ada=ada, cyd=cyd, last=named(PAST - 1), queries=[])


def named(number: int, mark: bytes = b"a") -> str:
    """An id that grows with its number."""
    return uuid7(NOW - timedelta(days=1) + timedelta(milliseconds=number), mark + number.to_bytes(9, "big"))


def keep(store: Store, like, ids: list[str]) -> None:
    """Jobs with their moves."""
    with store.write() as work:
        insert_rows(work.connection, tables.jobs, [job_row(replace(like, id=each)) for each in ids])
        moves = [
            {"job_id": each, "organisation_id": like.organisation, "backend": "local", "before": before,
             "after": after, "at": micros(NOW), "reason": ""}
            for each in ids
            for before, after in pairwise(MOVES)
        ]  # fmt: skip
        insert_rows(work.connection, tables.events, moves)
        if like.state is not JobState.QUEUED:
            tries = [attempt_row(replace(ATTEMPT, id=f"a-{each}", job=each, token=f"qsub-a-{each}")) for each in ids]
            insert_rows(work.connection, tables.attempts, tries)


def check(past: Past, *, walks: frozenset[str] = frozenset()) -> None:
    """No query of the last block read what has been; says which one did, and its plan.

    ``walks`` are tables that may be walked along an index from its end; how far is bounded all the same.
    """
    inspected = _on_postgres if past.store.engine.dialect.name == "postgresql" else _on_sqlite
    with past.store.engine.connect() as connection:
        for statement, parameters in past.queries:
            faults, plan = inspected(connection, statement, parameters)
            faults = [fault for fault in faults if not _walked(fault, walks)]
            assert not faults, f"{faults}\n{statement}\n{plan}"


def _on_sqlite(connection, statement, parameters):
    plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    faults = [line for line in plan if (found := re.match(r"SCAN (\w+)", line)) and found.group(1) in GROWS]
    steps = 0

    def step():
        nonlocal steps
        steps += 1000

    raw = connection.connection.driver_connection
    raw.set_progress_handler(step, 1000)
    try:
        connection.exec_driver_sql(statement, parameters).all()
    finally:
        raw.set_progress_handler(None, 0)
    return faults + ([f"{steps} steps"] if steps > MOST_STEPS else []), plan


def _on_postgres(connection, statement, parameters):
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    (plan,) = connection.exec_driver_sql(explain, parameters).scalar_one()
    nodes = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") in GROWS]
    faults = [node["Node Type"] for node in nodes if "Seq Scan" in node["Node Type"]]
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        * node["Actual Loops"]
        for node in nodes
    )
    return faults + ([f"{read} rows"] if read > MOST_ROWS else []), "\n".join(_told(plan["Plan"]))


def _walked(fault, walks):
    found = re.match(r"SCAN (\w+) USING (COVERING )?INDEX", fault)
    return found is not None and found.group(1) in walks


def _nodes(node):
    yield node
    for each in node.get("Plans", ()):
        yield from _nodes(each)


def _told(node, depth=0):
    rows = f"{node['Actual Rows']} rows, {node.get('Rows Removed by Filter', 0)} left out, {node['Actual Loops']} times"
    names = " ".join(node.get(name, "") for name in ("Node Type", "Index Name", "Relation Name", "Alias"))
    yield f"{'  ' * depth}{names}: {rows}"
    for each in node.get("Plans", ()):
        yield from _told(each, depth + 1)


def test_the_check_finds_a_query_that_reads_everything(past):
    with past.asked(), past.store.read() as work:
        work.connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE name = 'nobody'").all()
    with pytest.raises(AssertionError, match=r"SCAN jobs|Seq Scan"):
        check(past)


@pytest.mark.parametrize("back", [0, 1, feed.PAGE, 100_000, 3 * PAST], ids=["none", "one", "a page", "many", "all"])
def test_a10_the_feed_reads_the_newest_moves_alone(past, back):
    with past.asked(), past.store.read() as work:
        last = work.events.last()
        found = work.events.newest(max(0, last - back), feed.PAGE)
    assert len(found) == min(back, feed.PAGE)
    check(past)


def test_a10_a_stream_reads_its_past_in_windows(past):
    with past.asked(), past.store.read() as work:
        mine = {"organisation": past.cyd.organisation, "project": past.cyd.project}
        for start in (0, 3 * PAST // 2, 3 * PAST - 30):
            found, end = work.events.window(start, WINDOW, **mine)
            assert end > start
            assert len(found) < WINDOW
        assert len(work.events.after(0, PAGE, organisation=past.ada.organisation, job=past.last)) == len(MOVES) - 1
    check(past)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"limit": 200}, {"state": "succeeded"}, {"device": "local/aer"}, {"name": "bell"}, {"since": NOW}],
    ids=["all", "a long page", "state", "device", "name", "since"],
)
def test_a10_a_list_reads_a_page_of_one_projects_jobs(past, wanted):
    with past.asked():
        page = reads.page(past.store, past.ada, Filter(**wanted), at=NOW)
        if page.following is not None:
            page = reads.page(past.store, past.ada, Filter(**wanted, cursor=past.last), at=NOW)
    assert page.jobs
    check(past)


def test_a10_a_list_of_a_project_with_few_jobs_does_not_read_its_organisations(past):
    with past.asked():
        found = reads.page(past.store, past.cyd, Filter(state="succeeded"), at=NOW)
    assert len(found.jobs) == 3
    check(past)


def test_a10_a_job_is_found_by_its_name_and_by_its_key(past):
    with past.asked():
        assert reads.one(past.store, past.ada, past.last, at=NOW).job.id == past.last
        assert reads.repeated(past.store, past.ada, "nobody's", "0" * 64, at=NOW) is None
        moves_of(past.store, past.ada, past.last)
        reads.in_attention(past.store, past.ada, None, 50, at=NOW)
    check(past)


def test_a10_routing_reads_a_bounded_history(past):
    with past.asked():
        Market(past.store).now(NOW)
    check(past, walks=frozenset({"jobs"}))


def test_a10_a_claim_reads_what_is_due_and_the_heads_of_the_lines(past):
    terms = Claim(
        owner="me", backends=("local", "braket"), lease=timedelta(seconds=90), limit=40, room={"local/aer": 400}
    )
    with past.asked():
        taken = claim(past.store, terms, at=NOW + timedelta(seconds=1))
    assert taken.begun
    check(past)
    with past.asked(), past.store.read() as work:
        work.jobs.next_due(("local",), sent=True)
    check(past)
