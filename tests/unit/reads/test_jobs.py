"""What does a list of jobs read? Neither sources of programs nor points: what it shows, and no more."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from broker.domain.errors import NotFound
from broker.reads import decisions, jobs, results
from broker.reads.moves import moves_of
from tests.support.gateway import BELL

HEAVY = 200_000


@contextmanager
def asked(store):
    """The statements of the block, with what they were given."""
    found = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "WITH")):
            found.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def fetched(store, statements):
    """(names of columns, characters) that those statements bring, asked once more."""
    names, characters = set(), 0
    raw = store.engine.raw_connection()
    try:
        for statement, parameters in statements:
            cursor = raw.cursor()
            cursor.execute(statement, parameters)
            names |= {column[0] for column in cursor.description}
            characters += sum(len(str(value)) for row in cursor.fetchall() for value in row)
            cursor.close()
    finally:
        raw.close()
    return names, characters


def member_of(world, name="ada"):
    world.call(name, "GET", "/v1/jobs")
    return world.room.keys.member(world.secrets[name], world.clock())


def heavy(number):
    """A program of its own, whose comment alone is large."""
    source = BELL.replace("h q[0];", f"// {number} {'x' * HEAVY}\nh q[0];")
    return {"format": "openqasm2", "source": source}


def test_a_list_of_jobs_loads_no_source_of_a_program(both):
    made = [both.job("ada", program=heavy(number))["id"] for number in range(3)]
    ada = member_of(both)
    with asked(both.store) as statements:
        page = jobs.page(both.store, ada, jobs.Filter(), at=both.clock())
    assert {each.job.id for each in page.jobs} == set(made)
    names, characters = fetched(both.store, statements)
    assert {"state", "requirement", "count"} <= names
    assert names.isdisjoint({"source", "points", "body"})
    assert characters < HEAVY / 10


def test_one_job_loads_neither_its_source_nor_its_points(both):
    rotation = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit[1] q;\nbit[1] c;\nrx(a) q[0];\n'
    points = [{"a": number / 1000} for number in range(1000)]
    source = rotation + "c[0] = measure q[0];\n"
    made = both.job("ada", program={"format": "openqasm3", "source": source}, points=points)["id"]
    ada = member_of(both)
    with asked(both.store) as statements:
        seen = jobs.one(both.store, ada, made, at=both.clock())
        decisions.decision(both.store, ada, made)
        moves_of(both.store, ada, made)
    assert (seen.points, seen.job.points) == (1000, ())
    names, _ = fetched(both.store, statements)
    assert names.isdisjoint({"source", "points"})


@pytest.mark.parametrize(
    "view",
    [
        lambda store, member, job, at: jobs.one(store, member, job, at=at),
        lambda store, member, job, _at: results.result(store, member, job),
        lambda store, member, job, _at: decisions.decision(store, member, job),
        lambda store, member, job, _at: moves_of(store, member, job),
    ],
    ids=["job", "result", "decision", "moves"],
)
@pytest.mark.parametrize("stranger", ["cyd", "dan", "sua"])
def test_a_job_of_another_project_organisation_or_hub_does_not_exist(gateway, view, stranger):
    made = gateway.job("ada")["id"]
    gateway.drive()
    view(gateway.store, member_of(gateway), made, gateway.clock())
    with pytest.raises(NotFound, match=made):
        view(gateway.store, member_of(gateway, stranger), made, gateway.clock())
