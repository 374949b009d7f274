"""Does a Grafana JSON data source get answers it can draw, of its own hub and of no other?"""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from backends.errors import Refused
from broker.api.app import build
from broker.bootstrap import open_room
from broker.domain.scopes import Scope
from broker.reads.series import TARGETS, Span
from broker.settings import Settings
from tests.support.books import AT, DEVICE, day


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """Three jobs, a failed one, a live one, an orphan and a pause; all within an hour."""
    with day(tmp_path_factory.mktemp("day")) as made:
        made.work()
        made.refused = made.submit()
        made.vendor.submit = _refuse
        made.tick(seconds=60)
        made.submit()
        with made.store.write() as work:
            work.orphans.note("braket", "task-x", None, made.clock())
            work.catalogue.pause("braket", "maintenance", made.clock(), None)
            work.catalogue.pause("pasqal/fresnel", "maintenance too", made.clock(), None)
        yield made


def _refuse(_order):
    raise Refused("too many qubits", code="too_large")


@pytest.fixture(scope="module")
def gateway(books, tmp_path_factory):
    settings = Settings(data=tmp_path_factory.mktemp("data"), pepper="0" * 64)
    room = open_room(settings, books.store)
    with TestClient(build(room)) as client:
        client.keys = room.keys
        yield client


def key(books, gateway, *scopes, hub="daejeon"):
    with books.store.write() as work:
        member = books.member(hub=hub).id
        _, secret = gateway.keys.create(
            work, member=member, name="a test", scopes=scopes, at=AT, expires_at=None, by="a test"
        )
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def ops(books, gateway):
    return key(books, gateway, Scope.OPS.value)


@pytest.fixture(scope="module")
def seoul(books, gateway):
    return key(books, gateway, Scope.OPS.value, hub="seoul")


def asked(*targets, minutes=60, step_s=60, **more):
    span = {"from": AT.isoformat(), "to": (AT + timedelta(minutes=minutes)).isoformat(), "raw": {"from": "now-1h"}}
    wanted = [{"target": target, "refId": "A", "type": "timeserie"} for target in targets]
    return {"range": span, "intervalMs": step_s * 1000, "maxDataPoints": 500, "targets": wanted, "app": "x"} | more


def series(gateway, headers, target, **more):
    answer = gateway.post("/grafana/query", json=asked(target, **more), headers=headers)
    assert answer.status_code == 200, answer.text
    return {each["target"]: [value for value, _ in each["datapoints"]] for each in answer.json()}


@pytest.mark.parametrize("path", ["/grafana/search", "/grafana/query", "/grafana/annotations"])
def test_only_keys_with_the_scope_ops_pass(books, gateway, path):
    assert gateway.post(path, json={}).status_code == 401
    member = key(books, gateway, Scope.JOBS_READ.value)
    assert gateway.post(path, json=asked("latency"), headers=member).status_code == 403
    assert gateway.get("/grafana/", headers=member).status_code == 403


def test_the_source_is_healthy_and_lists_its_targets(gateway, ops):
    assert gateway.get("/grafana/", headers=ops).status_code == 200
    assert gateway.post("/grafana/search", json={"target": ""}, headers=ops).json() == list(TARGETS)
    assert gateway.post("/grafana/search", json={"target": "budget"}, headers=ops).json() == ["budget_left"]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_gives_series_with_times_in_the_range(gateway, ops, target):
    answer = gateway.post("/grafana/query", json=asked(target), headers=ops).json()
    times = [at for each in answer for _, at in each["datapoints"]]
    assert times
    assert all(AT.timestamp() * 1000 <= at <= (AT.timestamp() + 3600) * 1000 for at in times)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_a_table_too(gateway, ops, target):
    body = asked()
    body["targets"] = [{"target": target, "type": "table"}]
    [table] = gateway.post("/grafana/query", json=body, headers=ops).json()
    assert [column["text"] for column in table["columns"]] == ["Time", "Name", "Value"]
    assert all(len(row) == 3 for row in table["rows"])
    assert table["rows"]


def test_jobs_stand_where_they_stood(gateway, ops):
    found = series(gateway, ops, "jobs_by_state", minutes=5, step_s=1)
    assert found["queued"][0] == 3  # before the first tick
    assert found["submitted"][10] == 3
    assert found["queued"][-1] == 1
    assert found["submitted"][-1] == 0
    assert "succeeded" not in found


def test_ends_are_counted_in_their_step(gateway, ops):
    found = series(gateway, ops, "jobs_finished", minutes=60)
    assert sum(found["succeeded"]) == 3 == found["succeeded"][0]
    assert sum(found["failed"]) == 1 == found["failed"][1]
    assert len(found["succeeded"]) == 60


def test_latency_has_a_median_per_stage(gateway, ops):
    found = series(gateway, ops, "latency")
    assert found["broker p50"] == [2.0, 60.0]
    assert found["run p90"] == [1.5]
    assert found["vendor p50"] == [38.5]


def test_spending_and_what_is_left_agree(gateway, ops):
    spent = sum(series(gateway, ops, "spend_by_organisation")["daejeon-office"])
    assert spent == pytest.approx((3 * 0.3 + 0.6) * 1477.1)
    left = series(gateway, ops, "budget_left", minutes=60, step_s=1)["daejeon-office"]
    live = 0.4 * 1477.1
    assert left[-1] == pytest.approx(50_000_000 - spent - live)
    # At first the worst case of three jobs was held, which is what they cost in the end.
    assert left[0] == pytest.approx(50_000_000 - spent)
    assert series(gateway, ops, "budget_left")["hub"][-1] == pytest.approx(2_000_000_000 - spent - live)


def test_a_device_shows_both_queues(gateway, ops):
    found = series(gateway, ops, "device_queue_depth")
    assert found[f"{DEVICE.name} vendor"] == [3]
    assert found[f"{DEVICE.name} ours"] == [1]


def test_another_hub_sees_nothing_of_ours(gateway, seoul):
    assert not any(any(values) for values in series(gateway, seoul, "jobs_by_state").values())
    assert not any(any(values) for values in series(gateway, seoul, "jobs_finished").values())
    assert not any(series(gateway, seoul, "latency").values())
    assert {name.partition("-")[0] for name in series(gateway, seoul, "spend_by_organisation")} == {"seoul"}
    assert series(gateway, seoul, "device_queue_depth") == {}
    marks = gateway.post("/grafana/annotations", json=asked(), headers=seoul).json()
    assert [mark["title"] for mark in marks] == ["pasqal/fresnel paused"]


def test_failures_orphans_and_pauses_are_marked(books, gateway, ops):
    marks = gateway.post("/grafana/annotations", json=asked(annotation={"name": "all"}), headers=ops).json()
    titles = [mark["title"] for mark in marks]
    assert f"job {books.refused} failed" in titles
    assert "orphan at braket" in titles
    assert "braket paused" in titles
    assert [mark["time"] for mark in marks] == sorted(mark["time"] for mark in marks)
    body = asked(annotation={"name": "few", "query": "failures, orphans"})
    few = gateway.post("/grafana/annotations", json=body, headers=ops).json()
    assert {mark["tags"][0] for mark in few} == {"failure", "orphan"}


@pytest.mark.parametrize(
    ("path", "change", "pointer"),
    [
        ("query", {"targets": [{"target": "nothing"}]}, "/targets"),
        ("query", {"range": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}, "/range"),
        ("query", {"range": {"from": "0001-01-01T00:00:00+14:00", "to": "9999-01-01T00:00:00Z"}}, "/range"),
        ("annotations", {"annotation": {"query": "births"}}, "/annotation/query"),
    ],
)
def test_a_wrong_question_is_told_so(gateway, ops, path, change, pointer):
    answer = gateway.post(f"/grafana/{path}", json=asked("latency") | change, headers=ops)
    assert answer.status_code == 422
    assert answer.json()["pointer"] == pointer


def test_steps_are_never_more_than_asked_for():
    span = Span.of(AT, AT + timedelta(days=300), step=timedelta(milliseconds=1), most=100)
    assert len(span.times) == 100
    assert span.times[-1] == span.end
    short = Span.of(AT, AT + timedelta(minutes=5), step=timedelta(minutes=2), most=100)
    assert [int((at - AT).total_seconds()) for at in short.times] == [120, 240, 360]
