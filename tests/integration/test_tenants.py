"""Does another organisation's key find anything at all, on any route, by any id?"""

from __future__ import annotations

import re

import pytest

from backends.errors import OutcomeUnknown
from broker.domain.recovery import Recovery
from tests.support.gateway import BELL, member_id, unguessable

CANARY = unguessable()
NOBODY = "00000000-0000-7000-8000-000000000000"
BODIES = {"adopt": {"remote_id": "r", "reason": "x"}, "release": {"reason": "x"}}
JOB_ROUTES = [
    ("GET", "/v1/jobs/{id}"), ("GET", "/v1/jobs/{id}/result"), ("GET", "/v1/jobs/{id}/events"),
    ("GET", "/v1/jobs/{id}/decision"), ("POST", "/v1/jobs/{id}/cancel"), ("GET", "/v1/events?follow=false&job={id}"),
    ("POST", "/v1/jobs/{id}/adopt"), ("POST", "/v1/jobs/{id}/release"),
]  # fmt: skip
KEY_ROUTES = [("POST", "/v1/keys/{id}/rotate"), ("DELETE", "/v1/keys/{id}")]
# What a device is made of is its vendor's to say, and the same for everybody.
OPEN_ROUTES = [("GET", "/v1/devices/{id}/specs")]
LISTS = ["/v1/jobs", "/v1/jobs?limit=200", "/v1/keys", "/v1/events?follow=false&after=0", "/metrics", "/v1/devices"]
OPERATORS_ONLY = ("adopt", "release")
STRANGERS = {
    "dan": "another organisation",
    "sua": "another hub",
    "seo": "another hub's administrator",
    "cyd": "another project",
}


@pytest.fixture
def owned(gateway):
    """Ada's jobs of every kind and a key of hers, all marked; and a stranger's own job."""
    program = {"format": "openqasm2", "source": BELL + f"// {CANARY}\n"}
    marked = {"name": CANARY, "tags": [CANARY], "program": program}
    ids = {"ended": gateway.job("ada", **marked)["id"]}
    gateway.drive(ticks=2)
    blind = gateway.backends["braket"]
    blind.recovery, blind.reply = Recovery.BLIND, OutcomeUnknown(CANARY)
    ids["attention"] = gateway.job("ada", device="braket/garnet", **marked)["id"]
    gateway.drive(ticks=4, step=60)
    ids["queued"] = gateway.job("ada", options={"note": CANARY}, **marked)["id"]
    ids["key"] = gateway.call("ada", "POST", "/v1/keys", json={"name": CANARY}).json()["id"]
    assert [gateway.see(ids[kind])["state"] for kind in ("ended", "attention", "queued")] == [
        "succeeded",
        "attention",
        "queued",
    ]
    return gateway, ids


def ask(world, who, method, path, name):
    verb = path.rsplit("/", 1)[-1]
    return world.call(who, method, path.format(id=name), json=BODIES.get(verb))


def test_every_route_with_an_id_is_in_this_files_lists(gateway):
    paths = gateway.client.get("/openapi.json").json()["paths"]
    described = {(m.upper(), re.sub(r"{\w+}", "{id}", p)) for p, verbs in paths.items() if "{" in p for m in verbs}
    assert described == {(m, p) for m, p in (*JOB_ROUTES, *KEY_ROUTES, *OPEN_ROUTES) if "?" not in p}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("kind", ["ended", "attention", "queued"])
def test_a_strangers_job_does_not_exist(owned, who, kind):
    world, ids = owned
    for method, path in JOB_ROUTES:
        found, absent = (ask(world, who, method, path, name) for name in (ids[kind], NOBODY))
        only_operators = path.endswith(OPERATORS_ONLY) and who != "seo"
        assert found.status_code == (403 if only_operators else 404), (path, found.text)
        assert found.json() == {
            k: str(v).replace(NOBODY, ids[kind]) if k == "detail" else v for k, v in absent.json().items()
        }
        assert CANARY not in found.text + str(found.headers)
    assert world.see(ids[kind])["cancel_requested"] is False


@pytest.mark.parametrize("who", STRANGERS)
def test_a_strangers_key_does_not_exist(owned, who):
    world, ids = owned
    for method, path in KEY_ROUTES:
        found = ask(world, who, method, path, ids["key"])
        assert (found.status_code, found.json()["code"]) == (404, "not_found")
        assert CANARY not in found.text
    (mine,) = [key for key in world.call("ada", "GET", "/v1/keys").json()["keys"] if key["id"] == ids["key"]]
    assert mine["revoked_at"] is None


@pytest.mark.parametrize("who", STRANGERS)
def test_no_list_shows_a_strangers_rows(owned, who):
    world, ids = owned
    world.job(who)
    for path in LISTS:
        answer = world.call(who, "GET", path)
        assert answer.status_code == 200
        assert CANARY not in answer.text, path
        assert not [name for name in ids.values() if name in answer.text], path
        assert member_id("ada") not in answer.text, path


@pytest.mark.parametrize("who", STRANGERS)
def test_a_strangers_cursor_idempotency_key_or_filter_opens_nothing(owned, who):
    world, ids = owned
    for query in ({"cursor": ids["queued"]}, {"name": CANARY}, {"tag": CANARY}, {"state": "attention"}):
        assert world.call(who, "GET", "/v1/jobs", params=query).json()["jobs"] == []
    world.submit("ada", headers={"Idempotency-Key": "shared"})
    mine = world.submit(who, headers={"Idempotency-Key": "shared"})
    assert mine.status_code == 202
    assert mine.json()["member"] == member_id(who)


def test_members_of_one_project_share_its_jobs(owned):
    world, ids = owned
    assert world.call("bob", "GET", f"/v1/jobs/{ids['ended']}").status_code == 200


def test_a_strangers_key_cannot_be_issued(owned):
    world, _ = owned
    for who in STRANGERS:
        answer = world.call(who, "POST", "/v1/keys", json={"member": member_id("ada")})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_seoul_member_who_names_an_aws_device_is_refused_with_the_rule(both):
    answer = both.submit("sua", device="braket/garnet")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "access_refused")
    assert problem["detail"] == "hub Seoul has no access agreement for braket/garnet"
    refusal = next(row for row in problem["refusals"] if row["device"] == "braket/garnet")
    assert refusal["rule"] == "access"
    assert both.sums() <= {0}
    assert not any(held for held, _, _ in both.budgets().values())


def test_a_seoul_quote_refuses_every_aws_device_and_offers_the_rest(gateway):
    body = {"program": {"format": "openqasm2", "source": BELL}, "shots": 10}
    quote = gateway.call("sua", "POST", "/v1/quotes", json=body).json()
    assert quote["choice"] == "local/aer"
    assert {row["device"]: row["rule"] for row in quote["refusals"]}["braket/garnet"] == "access"
