"""What may be done with API keys, and by whom?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from broker.domain.scopes import SCOPES_OF, Role
from broker.store import tables
from broker.store.money_checks import within_budgets
from tests.support.gateway import NOW, PATHS, member_id

DAY_S = 86_400


def create(gateway, who, *, key=None, **body):
    return gateway.call(who, "POST", "/v1/keys", key=key, json=body)


def works(gateway, secret):
    return gateway.call("", "GET", "/v1/jobs", key=secret).status_code == 200


def test_a_secret_is_shown_once_and_stored_nowhere(gateway):
    made = create(gateway, "ada", name="laptop").json()
    secret = made["key"]
    assert secret.startswith(made["id"])
    assert len(secret.removeprefix(made["id"] + "_")) == 43
    assert secret not in gateway.call("ada", "GET", "/v1/keys").text
    with gateway.store.read() as work:
        rows = work.connection.execute(select(tables.api_keys)).all()
        acts = work.connection.execute(select(tables.audit.c.body)).scalars().all()
    assert secret not in repr(rows) + repr(acts)
    assert gateway.room.keys.digest(secret) in repr(rows)


def test_a_stolen_table_is_of_no_use_without_the_pepper(gateway):
    from broker.services.keys import Keys

    assert Keys(gateway.store, b"q" * 64).digest("x") != gateway.room.keys.digest("x")


def test_a_new_key_works_and_has_the_callers_scopes(gateway):
    made = create(gateway, "ada").json()
    assert works(gateway, made["key"])
    assert set(made["scopes"]) == {scope.value for scope in SCOPES_OF[Role.LEAD]}
    assert made["member"] == member_id("ada")


def test_a_key_can_have_fewer_scopes(gateway):
    secret = create(gateway, "ada", scopes=["jobs:read"]).json()["key"]
    assert gateway.submit("", key=secret).status_code == 403
    assert works(gateway, secret)


def test_a_key_never_exceeds_its_creators_scopes(gateway):
    reader = create(gateway, "ada", scopes=["jobs:read"]).json()["key"]
    answer = create(gateway, "", key=reader, scopes=["jobs:read", "jobs:write"])
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert create(gateway, "", key=reader).status_code == 403
    maker = create(gateway, "ada", scopes=["jobs:read", "keys:self"]).json()["key"]
    assert create(gateway, "", key=maker).json()["scopes"] == ["jobs:read", "keys:self"]
    assert create(gateway, "", key=maker, scopes=["jobs:write"]).status_code == 403


def test_a_reader_cannot_turn_its_owners_better_key_into_one_of_its_own(gateway):
    made = create(gateway, "ada").json()
    reader = create(gateway, "ada", scopes=["jobs:read"]).json()["key"]
    answer = gateway.call("", "POST", f"/v1/keys/{made['id']}/rotate", key=reader)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert gateway.call("", "DELETE", f"/v1/keys/{made['id']}", key=reader).status_code == 403


@pytest.mark.parametrize("scopes", [["jobs:everything"], ["jobs:read", ""]])
def test_an_unknown_scope_is_pointed_at(gateway, scopes):
    answer = create(gateway, "ada", scopes=scopes)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/scopes")


@pytest.mark.parametrize(
    ("expires_at", "field"),
    [("2030-01-01T00:00:00", "/expires_at"), ("2020-01-01T00:00:00Z", "/expires_at"), (0, "/expires_at"),
     ("9999-12-31T23:59:59-10:00", "/expires_at")],
)  # fmt: skip
def test_an_expiry_is_in_the_future_and_has_a_zone(gateway, expires_at, field):
    answer = create(gateway, "ada", expires_at=expires_at)
    assert (answer.status_code, answer.json()["pointer"]) == (422, field)


def test_a_key_expires(gateway):
    secret = create(gateway, "ada", expires_at=(NOW + timedelta(hours=1)).isoformat()).json()["key"]
    assert works(gateway, secret)
    gateway.clock.forward(3599)
    assert works(gateway, secret)
    gateway.clock.forward(1)
    assert not works(gateway, secret)


def test_a_revoked_key_stops_at_once_here(gateway):
    made = create(gateway, "ada").json()
    assert works(gateway, made["key"])
    assert gateway.call("ada", "DELETE", f"/v1/keys/{made['id']}").status_code == 204
    assert not works(gateway, made["key"])


def test_a_key_that_another_gateway_revoked_stops_within_five_seconds(gateway):
    made = create(gateway, "ada").json()
    assert works(gateway, made["key"])
    with gateway.store.write() as work:
        work.people.end_key(made["id"], revoked_at=gateway.clock())
    gateway.clock.forward(5.000001)
    assert not works(gateway, made["key"])


def test_rotation_lets_both_keys_work_for_a_day(gateway):
    old = create(gateway, "ada", name="robot", scopes=["jobs:read"]).json()
    new = gateway.call("ada", "POST", f"/v1/keys/{old['id']}/rotate").json()
    assert (new["name"], new["scopes"], new["member"]) == ("robot", ["jobs:read"], old["member"])
    gateway.clock.forward(DAY_S - 1)
    assert works(gateway, old["key"])
    gateway.clock.forward(1)
    assert not works(gateway, old["key"])
    assert works(gateway, new["key"])


def test_rotation_never_lengthens_a_keys_life(gateway):
    old = create(gateway, "ada", expires_at=(NOW + timedelta(hours=1)).isoformat()).json()
    new = gateway.call("ada", "POST", f"/v1/keys/{old['id']}/rotate").json()
    gateway.clock.forward(3600)
    assert not works(gateway, old["key"])
    assert not works(gateway, new["key"])


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_dead_key_has_no_successor(gateway, end):
    old = create(gateway, "ada", expires_at=(NOW + timedelta(hours=1)).isoformat()).json()
    if end == "revoked":
        gateway.call("ada", "DELETE", f"/v1/keys/{old['id']}")
    else:
        gateway.clock.forward(3600)
    answer = gateway.call("ada", "POST", f"/v1/keys/{old['id']}/rotate")
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("who", "owner", "status"),
    [
        ("ada", "bob", 201), ("ada", "vic", 201), ("ada", "cyd", 404), ("ada", "dan", 404), ("ada", "root", 404),
        ("ada", "sua", 404), ("bob", "ada", 403), ("bob", "bob", 201), ("bob", "dan", 404), ("vic", "vic", 201),
        ("root", "dan", 201), ("root", "sua", 404), ("olga", "root", 403), ("olga", "ada", 404),
    ],
)  # fmt: skip
def test_who_may_issue_keys_for_whom(gateway, who, owner, status):
    assert create(gateway, who, member=member_id(owner), scopes=["jobs:read"]).status_code == status


def test_a_lead_cannot_give_a_viewer_more_than_a_viewers_scopes(gateway):
    answer = create(gateway, "ada", member=member_id("vic"), scopes=["jobs:write"])
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert set(create(gateway, "ada", member=member_id("vic")).json()["scopes"]) == {
        s.value for s in SCOPES_OF[Role.VIEWER]
    }


@pytest.mark.parametrize(
    ("who", "seen"),
    [("bob", {"bob"}), ("ada", {"ada", "bob", "vic"}), ("root", set(PATHS) - {"sua", "seo"}), ("seo", {"sua", "seo"})],
)
def test_who_sees_whose_keys(gateway, who, seen):
    for name in PATHS:
        gateway.call(name, "GET", "/v1/jobs")
    keys = gateway.call(who, "GET", "/v1/keys").json()["keys"]
    assert {key["member"] for key in keys} == {member_id(name) for name in seen}


@pytest.mark.parametrize("verb", [("DELETE", ""), ("POST", "/rotate")], ids=["revoke", "rotate"])
@pytest.mark.parametrize("who", ["bob", "cyd", "dan", "sua", "seo"])
def test_nobody_touches_the_keys_of_strangers(gateway, who, verb):
    made = create(gateway, "ada").json()
    answer = gateway.call(who, verb[0], f"/v1/keys/{made['id']}{verb[1]}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert works(gateway, made["key"])


def test_the_last_use_of_a_key_is_written_down(gateway):
    gateway.call("ada", "GET", "/v1/jobs")
    gateway.room.keys.flush()
    (key,) = gateway.call("ada", "GET", "/v1/keys").json()["keys"]
    assert key["last_used_at"] == "2026-11-20T09:00:00Z"


def test_every_act_on_keys_is_audited(gateway):
    made = create(gateway, "ada").json()
    gateway.call("ada", "POST", f"/v1/keys/{made['id']}/rotate")
    gateway.call("ada", "DELETE", f"/v1/keys/{made['id']}")
    with gateway.store.read() as work:
        acts = " ".join(work.connection.execute(select(tables.audit.c.body)).scalars())
        assert work.audit.broken_at() is None
    assert acts.count('"key.create"') >= 2
    assert '"key.revoke"' in acts


def test_a8_a_key_says_who_made_it_and_what_is_left_of_its_limit(gateway):
    made = create(gateway, "ada", limit={"amount": "5000", "currency": "KRW"}).json()
    child = create(gateway, "", key=made["key"]).json()
    assert (made["limit"]["amount"], made["left"]["amount"]) == ("5000", "5000")
    assert (child["made_by"], child["limit"], child["left"]) == (made["id"], None, None)
    answer = gateway.submit("", key=child["key"], device="braket/garnet", shots=100)
    assert answer.status_code == 202
    listed = {key["id"]: key for key in gateway.call("ada", "GET", "/v1/keys").json()["keys"]}
    held = answer.json()["cost"]["held"]
    assert listed[made["id"]]["left"]["amount"] == str(5000 - int(held))


def test_a8_a_job_that_costs_more_than_its_keys_limit_is_refused_and_the_budget_named(gateway):
    made = create(gateway, "ada", limit={"amount": "1", "currency": "KRW"}).json()
    answer = gateway.submit("", key=made["key"], device="braket/garnet", shots=100)
    assert (answer.status_code, answer.json()["budget"]) == (402, f"key:{made['id']}")


@pytest.mark.parametrize("limit", [5000, {"amount": "-1", "currency": "KRW"}, {"amount": "1", "currency": "USD"}])
def test_a8_a_limit_that_is_none_is_pointed_at(gateway, limit):
    answer = create(gateway, "ada", limit=limit)
    assert (answer.status_code, answer.json()["pointer"][:6]) == (422, "/limit")


def test_a8_a_revoked_key_that_ran_jobs_keeps_its_budget_whole(gateway):
    made = create(gateway, "ada", limit={"amount": "5000", "currency": "KRW"}).json()
    job = gateway.submit("", key=made["key"], device="braket/garnet", shots=100).json()
    gateway.call("ada", "DELETE", f"/v1/keys/{made['id']}")
    gateway.drive()
    charged = gateway.see(job["id"])["cost"]["charged"]
    (key,) = [key for key in gateway.call("ada", "GET", "/v1/keys").json()["keys"] if key["id"] == made["id"]]
    assert gateway.see(job["id"])["state"] == "succeeded"
    assert key["left"]["amount"] == str(5000 - int(charged))
    with gateway.store.read() as work:
        assert list(within_budgets(work.connection)) == []
