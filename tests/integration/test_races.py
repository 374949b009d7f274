"""Do a thousand racing submissions against a budget for a hundred admit exactly a hundred?"""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from broker.store import tables
from tests.support.databases import opened
from tests.support.gateway import furnish, member_id, request
from tests.support.served import ask, race, served

KRW = 1_000_000
COST, ROOM, WISHES, CLIENTS = 10 * KRW, 100, 1000, 32
PLACES = {  # which budget is the narrow one: at every level, all ancestors hold the same
    "member": "member:bob", "project": "project:physics", "hub": "hub:daejeon",
}  # fmt: skip


def key_of(store, name):
    from broker.services.keys import Keys
    from tests.support.gateway import NOW, PEPPER

    with store.write() as work:
        scopes = ["jobs:read", "jobs:write"]
        _, secret = Keys(store, PEPPER.encode()).create(
            work, member=member_id(name), name="race", scopes=scopes, at=NOW, expires_at=None, by="test"
        )
    return secret


def narrow(store, owner):
    budgets = tables.budgets
    with store.write() as work:
        work.connection.execute(budgets.update().values(limit_micros=None))
        work.connection.execute(budgets.update().where(budgets.c.owner == owner).values(limit_micros=ROOM * COST))


@pytest.fixture(params=["sqlite-1-member", "sqlite-2-hub", "postgres-1-hub", "postgres-2-project"])
def raced(request, tmp_path):
    """A thousand answers, and the store after them."""
    kind, count, level = request.param.split("-")
    url = request.getfixturevalue(f"{kind}_url")
    with opened(url) as store:
        furnish(store)
        narrow(store, PLACES[level])
        keys = [key_of(store, name) for name in (("bob",) if level == "member" else ("ada", "bob"))]
        with served(url, tmp_path, count=int(count)) as gateways:
            yield race(gateways, WISHES, CLIENTS, lambda link, n: wish(link, n, keys[n % len(keys)])), store


def wish(connection, number, key):
    return ask(connection, "POST", "/v1/jobs", key, request(name=f"wish-{number}"))


def test_exactly_as_many_as_the_budget_pays_are_admitted(raced):
    answers, store = raced
    assert Counter(status for status, _ in answers) == {202: ROOM, 402: WISHES - ROOM}
    assert {view["code"] for status, view in answers if status == 402} == {"budget_exceeded"}
    ids = {view["id"] for status, view in answers if status == 202}
    with store.read() as work:
        stored = work.connection.execute(select(tables.jobs.c.id, tables.jobs.c.held)).all()
        moves = work.events.after(0, 10 * WISHES)
        budgets = work.connection.execute(select(tables.budgets)).all()
        assert work.ledger.sums() == {"KRW": 0}
        assert work.audit.broken_at() is None
    assert {row.id for row in stored} == ids
    assert len(moves) == 2 * ROOM
    held = {row.owner: row.held for row in budgets}
    for owner in ("hub:daejeon", "organisation:university", "project:physics"):
        assert held[owner] == ROOM * COST
    assert held["member:ada"] + held["member:bob"] == ROOM * COST
    assert all(row.limit_micros is None or row.held + row.spent <= row.limit_micros for row in budgets)


def test_racing_retries_of_one_wish_make_one_job(postgres_url, tmp_path):
    with opened(postgres_url) as store:
        furnish(store)
        key = key_of(store, "bob")

        def retry(connection, number):
            connection.request(
                "POST", "/v1/jobs", body=WISH,
                headers={"Authorization": f"Bearer {key}", "Idempotency-Key": f"wish-{number % 10}"},
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            return answer.status

        with served(postgres_url, tmp_path, count=2) as gateways:
            statuses = Counter(race(gateways, 200, 16, retry))
        with store.read() as work:
            assert len(work.connection.execute(select(tables.jobs.c.id)).all()) == 10
    assert statuses[202] == 10
    assert set(statuses) <= {200, 202, 409}


SOURCE = b'"OPENQASM 2.0;\\ninclude \\"qelib1.inc\\";\\nqreg q[1];\\ncreg c[1];\\nh q[0];\\nmeasure q -> c;\\n"'
WISH = b'{"program": {"format": "openqasm2", "source": %s}, "device": "local/aer"}' % SOURCE
