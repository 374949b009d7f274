"""What does POST /v1/jobs answer?"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.support.gateway import BELL, NOW, request


def test_a_job_is_admitted_with_its_cost_and_first_moves(gateway):
    answer = gateway.submit("ada", shots=100, name="bell", tags=["a", "b"], seed=7)
    view = answer.json()
    assert answer.status_code == 202
    assert (view["state"], view["device"], view["name"], view["tags"], view["seed"]) == (
        "queued",
        "local/aer",
        "bell",
        ["a", "b"],
        7,
    )
    assert view["cost"] == {"quoted": "10", "held": "10", "charged": None, "currency": "KRW"}
    assert [move["state"] for move in view["timeline"]] == ["accepted", "queued"]
    assert view == gateway.see(view["id"])


def test_an_admitted_job_rings_its_backend(gateway, bell):
    gateway.job("ada", device="braket/garnet")
    assert bell.rung == [("braket", None)]


def test_the_hold_is_taken_on_every_ancestor(gateway):
    gateway.job("bob")
    held = {owner: held for owner, (held, _, _) in gateway.budgets().items() if held}
    assert held == dict.fromkeys(
        ["hub:daejeon", "organisation:university", "project:physics", "member:bob"], 10_000_000
    )
    assert gateway.sums() == {0}


def test_a_vendors_currency_is_converted_at_the_dated_rate(gateway):
    cost = gateway.job("ada", device="braket/garnet", shots=1000)["cost"]
    assert cost["held"] == str((300 + 1000) * 1400 // 1000)


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("shots", "100", "/shots"),
        ("shots", 0, "/shots"),
        ("shots", True, "/shots"),
        ("shots", 1.5, "/shots"),
        ("surprise", 1, "/surprise"),
        ("seed", "7", "/seed"),
        ("prefer", "luckiest", "/prefer"),
        ("points", [{"x": "0.5"}], "/points/0/x"),
        ("max_cost", {"amount": "-1", "currency": "KRW"}, "/max_cost/amount"),
        ("max_cost", {"amount": "1"}, "/max_cost/currency"),
        ("deadline", 5, "/deadline"),
        ("deadline", "5", "/deadline"),
        ("deadline", "2020-01-01T00:00:00Z", "/deadline"),
        ("deadline", "2030-01-01T00:00:00", "/deadline"),
        ("deadline", "9999-12-31T23:59:59-10:00", "/deadline"),
        ("name", "a\0b", "/name"),
        ("name", "x" * 129, "/name"),
        ("tags", ["x\0"], "/tags/0"),
        ("options", {"a\0": "b"}, "/options/a\0/[key]"),
        ("min_success", 1.5, "/min_success"),
        ("program", {"format": "qasm9", "source": "x"}, "/program/format"),
        ("program", {"format": "ahs"}, "/program/source"),
        ("program", None, "/program"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(gateway, field, value, pointer):
    answer = gateway.call("ada", "POST", "/v1/jobs", json={**request(), field: value})
    if value is None:
        answer = gateway.submit("ada", **{field: value})
    problem = answer.json()
    assert answer.status_code == 422
    assert (problem["code"], problem["pointer"]) == ("request_invalid", pointer)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"program":' * 100])
def test_a_body_that_is_no_request_is_invalid(gateway, body):
    answer = gateway.call("ada", "POST", "/v1/jobs", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/quotes"])
@pytest.mark.parametrize("text", ["\\ud800", "\\udfff", "ok\\ud83d", "\\u0000"])
def test_text_that_is_no_unicode_is_refused_where_it_stands(gateway, path, text):
    body = b'{"program": {"format": "openqasm2", "source": "' + text.encode() + b'"}}'
    answer = gateway.call("ada", "POST", path, content=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["code"].startswith(("program_", "request_invalid"))
    assert "pointer" in problem or "line" in problem


def test_a_bad_program_is_refused_with_line_and_column(gateway):
    answer = gateway.submit("ada", program={"format": "openqasm2", "source": BELL + "nonsense q[0];\n"})
    problem = answer.json()
    assert answer.status_code == 422
    assert (problem["line"], problem["column"]) == (8, 1)
    assert gateway.budgets()["project:physics"][0] == 0


def test_free_parameters_need_points(gateway):
    source = (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n'
    )
    program = {"format": "openqasm3", "source": source}
    assert gateway.submit("ada", program=program).json()["pointer"] == "/points"
    assert gateway.submit("ada", program=program, points=[{"theta": 1}, {"phi": 1}]).json()["pointer"] == "/points/1"
    assert gateway.submit("ada", program=program, points=[{"theta": 1}, {"theta": 2}]).json()["points"] == 2


def test_the_same_key_and_body_is_the_same_job(gateway):
    first = gateway.submit("ada", headers={"Idempotency-Key": "once"})
    again = gateway.submit("ada", headers={"Idempotency-Key": "once"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert gateway.budgets()["project:physics"][0] == 10_000_000


def test_the_same_key_with_another_body_is_a_mismatch(gateway):
    gateway.submit("ada", headers={"Idempotency-Key": "once"})
    again = gateway.submit("ada", headers={"Idempotency-Key": "once"}, shots=101)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_mismatch")


def test_another_project_may_use_the_same_key(gateway):
    first = gateway.submit("ada", headers={"Idempotency-Key": "once"})
    other = gateway.submit("cyd", headers={"Idempotency-Key": "once"})
    assert other.status_code == 202
    assert other.json()["id"] != first.json()["id"]


def test_a_retry_after_the_deadline_still_finds_its_job(gateway):
    deadline = (NOW + timedelta(minutes=10)).isoformat()
    first = gateway.submit("ada", headers={"Idempotency-Key": "once"}, deadline=deadline)
    gateway.clock.forward(3600)
    again = gateway.submit("ada", headers={"Idempotency-Key": "once"}, deadline=deadline)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_a_retry_finds_its_job_although_the_device_is_gone(gateway):
    first = gateway.submit("ada", headers={"Idempotency-Key": "once"})
    with gateway.store.write() as work:
        work.catalogue.pause("local", "maintenance", gateway.clock(), None)
    gateway.clock.forward(60)
    assert gateway.submit("ada").json()["code"] == "no_device"
    again = gateway.submit("ada", headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert gateway.submit("ada", headers={"Idempotency-Key": "once"}, shots=5).json()["code"] == "idempotency_mismatch"


def test_a_key_that_is_being_admitted_is_in_flight(gateway, monkeypatch):
    gateway.submit("ada")
    entered, leave = threading.Event(), threading.Event()
    admitter = gateway.room.writer._admitter
    admit = admitter.admit

    def slowly(group):
        entered.set()
        leave.wait(10)
        return admit(group)

    monkeypatch.setattr(admitter, "admit", slowly)
    answers = []
    headers = {"Idempotency-Key": "once"}
    first = threading.Thread(target=lambda: answers.append(gateway.submit("ada", headers=headers)))
    first.start()
    entered.wait(10)
    second = gateway.submit("ada", headers=headers)
    leave.set()
    first.join()
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_flight")
    assert answers[0].status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_an_idempotency_key_is_visible_ascii(gateway, key):
    answer = gateway.submit("ada", headers={b"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/Idempotency-Key")


def test_a_budget_that_is_too_small_is_named(gateway):
    answer = gateway.submit("bob", device="braket/garnet", shots=20_000, prefer="cheapest")
    assert answer.status_code == 202
    second = [gateway.submit("bob", device="braket/garnet", shots=20_000) for _ in range(5)][-1]
    assert (second.status_code, second.json()["code"]) == (402, "budget_exceeded")
    assert second.json()["budget"].startswith("member:")
    held, spent, limit = gateway.budgets()["member:bob"]
    assert held + spent <= limit


def test_a_device_without_a_price_is_refused_with_its_rule(gateway):
    with gateway.store.write() as work:
        from tests.support.routing_world import GATE, qpu

        work.catalogue.put_devices("braket", "token", [qpu("braket/unpriced", GATE, width=20)], NOW)
    answer = gateway.submit("ada", device="braket/unpriced")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_device")
    assert {"price_unknown", "access"} <= {refusal["rule"] for refusal in answer.json()["refusals"]}


def test_a_device_outside_the_agreements_names_the_rule(gateway):
    answer = gateway.submit("ada", device="pasqal/gates")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "access_refused")
    assert problem["detail"] == "hub Daejeon has no access agreement for pasqal/gates"


def test_a_viewer_may_not_submit(gateway):
    answer = gateway.submit("vic")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_trace_id_is_kept(gateway):
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    assert gateway.submit("ada", headers={"traceparent": trace}).json()["trace_id"] == "a" * 32
    assert gateway.submit("ada", headers={"traceparent": "nonsense"}).json()["trace_id"] not in {None, "a" * 32}
