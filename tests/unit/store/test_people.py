"""Who is who, and what may their keys do?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from broker.services import seed
from broker.store import tables
from broker.store.people import KeyRow
from tests.support.gateway import SEEDS, member_id

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def people(store):
    """A store with the small hubs."""
    seed.load(store, SEEDS)
    return store


def key(member="ada", **values):
    known = {
        "id": f"qs_live_{member}",
        "member": member_id(member),
        "name": "n",
        "scopes": ("jobs:read", "jobs:write"),
        "created_at": NOW,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }
    return KeyRow(**(known | values))


def add(store, *keys):
    with store.write() as work:
        for each in keys:
            work.people.add_key(each, f"digest of {each.id}")


def by_digest(store, member="ada"):
    with store.read() as work:
        return work.people.by_digest(f"digest of qs_live_{member}")


def test_a_member_knows_every_ancestor_and_budget(people):
    with people.read() as work:
        found = work.people.member(member_id("ada"))
    project, organisation, hub = (
        seed.seed_id(kind, *path)
        for kind, path in (
            ("project", ("daejeon", "university", "physics")),
            ("organisation", ("daejeon", "university")),
            ("hub", ("daejeon",)),
        )
    )
    assert (found.hub, found.organisation, found.project, found.currency) == (hub, organisation, project, "KRW")
    assert found.budgets == (f"hub:{hub}", f"organisation:{organisation}", f"project:{project}", f"member:{found.id}")


def test_an_unknown_member_is_none(people):
    with people.read() as work:
        assert work.people.member("nobody") is None


def test_a_key_is_found_by_its_digest_with_its_member(people):
    mine = key(expires_at=NOW + timedelta(days=1))
    add(people, mine)
    row, member = by_digest(people)
    assert row == mine
    assert (member.id, member.key, member.scopes) == (member_id("ada"), mine.id, frozenset(mine.scopes))


def test_an_unknown_digest_is_none(people):
    assert by_digest(people, "nobody") is None


def test_a_key_never_has_a_scope_that_its_members_role_lacks(people):
    add(people, key("vic"))
    assert by_digest(people, "vic")[1].scopes == {"jobs:read"}


def test_a_role_that_is_taken_away_takes_its_scopes_along(people):
    add(people, key("ada"))
    with people.write() as work:
        work.connection.execute(
            update(tables.members).where(tables.members.c.id == member_id("ada")).values(role="viewer")
        )
    assert by_digest(people)[1].scopes == {"jobs:read"}


def test_ending_a_key_sets_only_what_is_given(people):
    add(people, key(expires_at=NOW))
    with people.write() as work:
        work.people.end_key("qs_live_ada", revoked_at=NOW)
    assert by_digest(people)[0] == key(expires_at=NOW, revoked_at=NOW)


def test_the_last_use_is_noted(people):
    add(people, key(), key("bob"))
    with people.write() as work:
        work.people.touch_keys({"qs_live_ada": NOW})
        work.people.touch_keys({})
    assert by_digest(people)[0] == replace(key(), last_used_at=NOW)
    assert by_digest(people, "bob")[0].last_used_at is None


def test_access_lists_the_agreements_of_one_hub(people):
    with people.read() as work:
        access = work.people.access(seed.seed_id("hub", "seoul"))
        assert work.people.access("nowhere") is None
    assert access.hub_name == "Seoul"
    assert {line.pattern for line in access.agreements} == {"pasqal/*", "local/*"}


def test_loading_the_seeds_again_keeps_what_has_lived(people):
    budget = f"member:{member_id('bob')}"
    with people.write() as work:
        work.ledger.adjust({budget: (5_000_000, 7_000_000)})
        work.connection.execute(update(tables.budgets).where(tables.budgets.c.id == budget).values(limit_micros=10**12))
    add(people, key())
    before = counts(people)
    seed.load(people, SEEDS)
    assert counts(people) == before
    with people.read() as work:
        found = work.ledger.budgets([budget])[budget]
    assert (found.held, found.spent, found.limit_micros) == (5_000_000, 7_000_000, 10**12)


def counts(store):
    with store.read() as work:
        return {
            table.name: len(work.connection.execute(table.select()).all()) for table in tables.metadata.sorted_tables
        }


def test_names_shares_and_leave_to_resubmit(people):
    physics, chemistry = (seed.seed_id("project", "daejeon", "university", name) for name in ("physics", "chemistry"))
    university = seed.seed_id("organisation", "daejeon", "university")
    with people.read() as work:
        assert work.people.names(physics, member_id("ada")) == ("Physics", "ada")
        assert work.people.names("x", "y") == ("x", "y")
        assert work.people.shares((university, physics, member_id("ada"))) == {
            university: 2,
            physics: 2,
            member_id("ada"): 1,
        }
        assert work.people.may_resubmit((physics, chemistry)) == {physics}
        assert work.people.hub_of("daejeon") == seed.seed_id("hub", "daejeon")
        assert work.people.has_budget(f"project:{physics}")
        assert not work.people.has_budget("project:x")
