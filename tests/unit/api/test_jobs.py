"""What do readers see of jobs, and how are jobs stopped?"""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from sqlalchemy import event, update

from backends.errors import OutcomeUnknown, Refused
from broker.api import schemas
from broker.domain.money import Money
from broker.domain.price import Usage
from broker.domain.recovery import Recovery
from broker.domain.routing import route
from broker.services.decide import decision_document, load_asked, load_decision
from broker.services.market import load_snapshot
from broker.store import tables
from broker.store.rows import compact
from tests.support.gateway import BELL, NOW, PATHS
from tests.support.scripted import QUEUED, RUNNING, outcome


def ids(answer):
    return [job["id"] for job in answer.json()["jobs"]]


def jobs(gateway, member="ada", **query):
    return gateway.call(member, "GET", "/v1/jobs", params=query)


@pytest.fixture
def attended(gateway):
    """A job of a blind vendor whose submission nobody heard back from."""
    backend = gateway.backends["braket"]
    backend.recovery, backend.reply = Recovery.BLIND, OutcomeUnknown("reset by peer")
    job = gateway.job("ada", device="braket/garnet")["id"]
    gateway.drive(ticks=4, step=60)
    assert gateway.see(job)["state"] == "attention"
    backend.reply = None
    return job


def test_a_job_that_ran_shows_its_bill_its_time_and_its_attempt(gateway):
    gateway.backends["braket"].result = outcome(shots=100, run_ms=1500)
    job = gateway.job("ada", device="braket/garnet", shots=100)["id"]
    gateway.drive()
    view = gateway.see(job)
    assert [move["state"] for move in view["timeline"]] == [
        "accepted",
        "queued",
        "submitting",
        "submitted",
        "fetching",
        "succeeded",
    ]
    assert view["cost"] == {"quoted": "560", "held": "0", "charged": "560", "currency": "KRW"}
    assert (view["attempt"]["outcome"], view["attempt"]["vendor_status"]) == ("done", "COMPLETED")
    assert view["latency"]["run_s"] == 1.5
    assert gateway.sums() == {0}
    assert gateway.budgets()["project:physics"][:2] == (0, 560_000_000)


def test_a_result_carries_counts_bit_order_and_the_hash_of_its_body(gateway):
    job = gateway.job("ada")["id"]
    early = gateway.call("ada", "GET", f"/v1/jobs/{job}/result")
    gateway.drive()
    text = gateway.call("ada", "GET", f"/v1/jobs/{job}/result").text
    result = schemas.ResultView.model_validate_json(text, extra="forbid")
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    assert (result.counts, result.kind) == ({"00": 100}, "gate")
    stored = text.replace(f',"sha256":"{result.sha256}"', "")
    assert hashlib.sha256(stored.encode()).hexdigest() == result.sha256


def test_a_failed_job_has_no_result_and_returns_its_hold(gateway):
    gateway.backends["local"].reply = Refused("gate foo is not known", line=3, column=1)
    job = gateway.job("ada")["id"]
    gateway.drive()
    view = gateway.see(job)
    assert (view["state"], view["error"]["code"]) == ("failed", "backend_refused")
    assert "line 3" in view["error"]["message"]
    assert (view["cost"]["held"], view["cost"]["charged"]) == ("0", "0")
    assert gateway.budgets()["project:physics"][:2] == (0, 0)
    answer = gateway.call("ada", "GET", f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_pages_are_newest_first_complete_and_stable_while_jobs_arrive(gateway):
    made = []
    for _ in range(7):
        made.append(gateway.job("ada")["id"])
        gateway.clock.forward(0.01)
    seen, cursor = [], None
    while True:
        answer = jobs(gateway, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += ids(answer)
        gateway.clock.forward(0.01)
        gateway.job("ada")
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a10_a_list_counts_points_without_reading_them(both):
    source = 'OPENQASM 3; include "stdgates.inc"; input float theta; qubit q; rx(theta) q;'
    program = {"format": "openqasm3", "source": source}
    many = both.job("ada", program=program, points=[{"theta": number / 7} for number in range(1000)])["id"]
    both.clock.forward(0.01)
    none = both.job("ada")["id"]
    asked = []
    keep = lambda _connection, _cursor, statement, *_: asked.append(statement)  # noqa: E731
    event.listen(both.store.engine, "before_cursor_execute", keep)
    found = jobs(both).json()["jobs"]
    event.remove(both.store.engine, "before_cursor_execute", keep)
    assert {job["id"]: job["points"] for job in found} == {many: 1000, none: 1}
    assert found == [both.see(none), both.see(many)]
    counted = re.compile(
        r"json_(array_length|valid)\((jobs\.points|CAST\(jobs\.points AS JSON\))\)|jobs\.points IS JSON"
    )
    assert any(counted.search(statement) for statement in asked)
    assert not any("points" in counted.sub("", statement) for statement in asked)


def test_a10_spoiled_points_of_one_job_do_not_hide_the_others_of_a_list(both):
    spoiled, good = both.job("ada")["id"], both.job("ada")["id"]
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == spoiled).values(points='[{"a'))
    assert ids(jobs(both)) == [good]


def test_a_page_that_holds_all_has_no_next_one(gateway):
    gateway.job("ada")
    assert jobs(gateway, limit=1).json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "one"}, ["one"]),
        ({"name": "One"}, []),
        ({"tag": "x"}, ["one"]),
        ({"tag": "X"}, ["two"]),
        ({"tag": "y"}, ["one", "two"]),
        ({"tag": "%"}, []),
        ({"tag": '","'}, []),
        ({"device": "braket/garnet"}, ["two"]),
        ({"state": "queued"}, ["one", "two"]),
        ({"state": "failed"}, []),
        ({"since": "2026-11-20T09:00:01Z"}, ["two"]),
        ({"since": "0001-01-01T00:00:00+10:00"}, ["one", "two"]),
        ({"tag": "한글"}, ["two"]),
    ],
)
def test_jobs_are_filtered(both, query, found):
    both.job("ada", name="one", tags=["x", "y"])
    both.clock.forward(1)
    both.job("ada", name="two", tags=["X", "y", "한글"], device="braket/garnet")
    assert sorted(job["name"] for job in jobs(both, **query).json()["jobs"]) == found


def test_a_queued_job_is_cancelled_at_once_and_returns_its_hold(gateway):
    job = gateway.job("ada")["id"]
    view = gateway.call("ada", "POST", f"/v1/jobs/{job}/cancel").json()
    assert (view["state"], view["cost"]["held"], view["cancel_requested"]) == ("cancelled", "0", True)
    assert gateway.budgets()["member:ada"][:2] == (0, 0)
    gateway.drive()
    assert gateway.backends["local"].sent == []


def test_cancelling_again_is_safe(gateway):
    job = gateway.job("ada")["id"]
    answers = [gateway.call("ada", "POST", f"/v1/jobs/{job}/cancel") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_job_at_the_vendor_is_cancelled_when_the_vendor_agrees(gateway):
    from backends.base import Phase, Snapshot

    backend = gateway.backends["braket"]
    backend.word = RUNNING
    job = gateway.job("ada", device="braket/garnet")["id"]
    gateway.drive(ticks=2)
    view = gateway.call("ada", "POST", f"/v1/jobs/{job}/cancel").json()
    assert (view["state"], view["cancel_requested"]) == ("running", True)
    backend.word = Snapshot(phase=Phase.CANCELLED, word="CANCELLED", usage=Usage(tasks=1))
    gateway.drive(ticks=3, step=20)
    view = gateway.see(job)
    assert view["state"] == "cancelled"
    assert backend.cancelled
    assert view["cost"]["charged"] == "420"


def test_a_job_that_has_ended_cannot_be_cancelled(gateway):
    job = gateway.job("ada")["id"]
    gateway.drive()
    answer = gateway.call("ada", "POST", f"/v1/jobs/{job}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


def test_a_viewer_may_not_cancel(gateway):
    job = gateway.job("ada")["id"]
    assert gateway.call("vic", "POST", f"/v1/jobs/{job}/cancel").status_code == 403


def test_an_operator_adopts_a_job_of_another_organisation(gateway, attended):
    answer = gateway.call("olga", "POST", f"/v1/jobs/{attended}/adopt", json={"remote_id": "r-9", "reason": "seen"})
    view = schemas.JobView.model_validate(answer.json(), extra="forbid")
    assert (answer.status_code, view.state, view.attempt.remote_id) == (200, "submitted", "r-9")
    gateway.drive(ticks=4, step=20)
    assert gateway.see(attended)["state"] == "succeeded"


def test_an_operator_releases_a_job_and_its_hold(gateway, attended):
    answer = gateway.call("olga", "POST", f"/v1/jobs/{attended}/release", json={"reason": "not in their list"})
    view = schemas.JobView.model_validate(answer.json(), extra="forbid")
    assert (view.state, view.error.code, view.cost.held, view.cost.charged) == ("failed", "released", "0", "0")
    assert gateway.budgets()["project:physics"][:2] == (0, 0)


def test_a_job_in_attention_keeps_its_hold(gateway, attended):
    assert gateway.see(attended)["cost"]["held"] == "560"


def test_an_id_that_another_job_bears_is_not_adopted(gateway, attended):
    other = gateway.job("ada", device="braket/garnet")["id"]
    gateway.backends["braket"].word = QUEUED
    gateway.drive(ticks=1)
    taken = gateway.see(other)["attempt"]["remote_id"]
    answer = gateway.call("olga", "POST", f"/v1/jobs/{attended}/adopt", json={"remote_id": taken, "reason": "seen"})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/remote_id")


@pytest.mark.parametrize("booked", [False, True])
def test_a7_what_was_taken_for_an_orphan_is_not_adopted_and_paid_for_twice(gateway, attended, booked):
    with gateway.store.write() as work:
        work.orphans.note("braket", "r-9", "braket/garnet", gateway.clock())
        if booked:
            work.orphans.settle("braket", "r-9", Money(currency="USD", micros=300_000))
    answer = gateway.call("olga", "POST", f"/v1/jobs/{attended}/adopt", json={"remote_id": "r-9", "reason": "seen"})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/remote_id")
    assert gateway.see(attended)["state"] == "attention"


def test_operators_see_what_waits_in_their_hub_oldest_first(gateway, attended):
    backend = gateway.backends["braket"]
    backend.reply = OutcomeUnknown("reset by peer")
    later = gateway.job("cyd", device="braket/garnet")["id"]
    gateway.drive(ticks=4, step=60)
    found = gateway.call("olga", "GET", "/v1/attention")
    first = gateway.call("olga", "GET", "/v1/attention?limit=1").json()
    rest = gateway.call("olga", "GET", f"/v1/attention?limit=1&cursor={first['next_cursor']}").json()
    assert ids(found) == [attended, later]
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == [attended, later]
    assert rest["next_cursor"] is None
    assert found.json()["jobs"][0]["attempt"]["token"].startswith("qsub-")
    assert ids(gateway.call("seo", "GET", "/v1/attention")) == []


@pytest.mark.parametrize("who", sorted(set(PATHS) - {"root", "olga", "seo"}))
def test_only_operators_see_what_waits(gateway, who):
    assert gateway.call(who, "GET", "/v1/attention").status_code == 403


def test_only_a_job_in_attention_can_be_decided(gateway):
    job = gateway.job("ada")["id"]
    answer = gateway.call("olga", "POST", f"/v1/jobs/{job}/release", json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize("who", sorted(set(PATHS) - {"root", "olga", "seo"}))
@pytest.mark.parametrize(("verb", "body"), [("adopt", {"remote_id": "r", "reason": "x"}), ("release", {"reason": "x"})])
def test_only_operators_decide(gateway, who, verb, body):
    answer = gateway.call(who, "POST", f"/v1/jobs/any/{verb}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_what_operators_decide_is_audited(gateway, attended):
    gateway.call("olga", "POST", f"/v1/jobs/{attended}/release", json={"reason": "not in their list"})
    with gateway.store.read() as work:
        acts = " ".join(work.connection.exec_driver_sql("SELECT body FROM audit").scalars())
        assert work.audit.broken_at() is None
    assert '"release"' in acts
    assert "not in their list" in acts


def replayed(gateway, job):
    """The decision as stored, and what routing makes again of what is stored."""
    with gateway.store.read() as work:
        body, snapshot = work.archive.decision(work.jobs.get(job).decision)
    stored = json.loads(body)
    asked = load_asked(stored["asked"])
    again = route(asked.need, asked.policy, asked.access, load_snapshot(snapshot), currency=asked.currency)
    return stored["decision"], again


def test_a_decision_lists_every_device_and_replays_bit_for_bit(gateway):
    job = gateway.job("ada", device=None, prefer="cheapest")["id"]
    view = gateway.call("ada", "GET", f"/v1/jobs/{job}/decision").json()
    assert {row["device"] for row in (*view["offers"], *view["refusals"])} == {
        "local/aer",
        "braket/garnet",
        "pasqal/gates",
    }
    stored, again = replayed(gateway, job)
    assert compact(decision_document(again)) == compact(stored)
    assert load_decision(stored) == again


def test_a_decision_of_a_policy_with_every_limit_replays_too(gateway):
    limits = {
        "max_cost": {"amount": "1.5", "currency": "USD"},
        "deadline": "2026-11-21T00:00:00+09:00",
        "min_success": 0.1,
    }
    job = gateway.job("ada", device=None, prefer="best", **limits)["id"]
    stored, again = replayed(gateway, job)
    assert compact(decision_document(again)) == compact(stored)


def test_the_stored_decision_is_named_by_its_hash(gateway):
    job = gateway.job("ada")["id"]
    with gateway.store.read() as work:
        name = work.jobs.get(job).decision
        body, snapshot = work.archive.decision(name)
    assert hashlib.sha256(body.encode()).hexdigest() == name
    assert hashlib.sha256(snapshot.encode()).hexdigest() == json.loads(body)["snapshot"]


def test_a_quote_holds_nothing_and_agrees_with_the_job(gateway):
    body = {"program": {"format": "openqasm2", "source": BELL}, "shots": 100, "device": "braket/garnet"}
    quote = gateway.call("ada", "POST", "/v1/quotes", json=body).json()
    assert not any(held for held, _, _ in gateway.budgets().values())
    offer = next(offer for offer in quote["offers"] if offer["device"] == quote["choice"])
    assert offer["cost"]["amount"] == gateway.job("ada", device="braket/garnet")["cost"]["held"] == "560"


def test_devices_say_what_is_open_to_the_callers_hub(gateway):
    def open_to(member):
        devices = gateway.call(member, "GET", "/v1/devices").json()["devices"]
        return {device["name"] for device in devices if device["accessible"]}

    assert open_to("ada") == {"local/aer", "braket/garnet"}
    assert open_to("sua") == {"local/aer", "pasqal/gates"}


def test_the_clock_of_a_job_is_the_gateways(gateway):
    assert gateway.job("ada")["created_at"] == NOW.isoformat().replace("+00:00", "Z")
