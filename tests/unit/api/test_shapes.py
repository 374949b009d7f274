"""Has every answer the shape that the OpenAPI description promises?"""

from __future__ import annotations

import re

import pytest

from broker.api import schemas
from tests.support.gateway import BELL, member_id
from tests.support.scripted import outcome

QUOTE = {"program": {"format": "openqasm2", "source": BELL}}


def strict(model, text):
    return model.model_validate_json(text, extra="forbid")


@pytest.fixture
def ended(gateway):
    """A gateway with a job that ran and one that waits."""
    gateway.backends["local"].result = outcome(shots=100, run_ms=20)
    gateway.job("ada", name="ran", tags=["t"], seed=1)
    gateway.drive()
    gateway.job("ada", device="braket/garnet", deadline="2026-12-01T00:00:00Z")
    return gateway


def job(gateway):
    return gateway.call("ada", "GET", "/v1/jobs").json()["jobs"][-1]["id"]


@pytest.mark.parametrize(
    ("method", "path", "model", "body"),
    [
        ("GET", "/v1/jobs", schemas.JobList, None),
        ("GET", "/v1/jobs/{job}", schemas.JobView, None),
        ("GET", "/v1/jobs/{job}/result", schemas.ResultView, None),
        ("GET", "/v1/jobs/{job}/events", schemas.EventList, None),
        ("GET", "/v1/jobs/{job}/decision", schemas.DecisionView, None),
        ("POST", "/v1/quotes", schemas.QuoteView, QUOTE),
        ("POST", "/v1/jobs", schemas.JobView, QUOTE),
        ("GET", "/v1/devices", schemas.DeviceList, None),
        ("GET", "/v1/keys", schemas.KeyList, None),
        ("POST", "/v1/keys", schemas.KeyCreated, {}),
        ("GET", "/healthz", schemas.Health, None),
        ("GET", "/readyz", schemas.Health, None),
    ],
)
def test_every_answer_fits_its_model(ended, method, path, model, body):
    answer = ended.call("ada", method, path.format(job=job(ended)), json=body)
    assert answer.status_code in {200, 201, 202}, answer.text
    assert answer.headers["content-type"] == "application/json"
    strict(model, answer.text)


def test_rotation_and_cancellation_fit_their_models(ended):
    made = strict(schemas.KeyCreated, ended.call("ada", "POST", "/v1/keys", json={"member": member_id("bob")}).text)
    strict(schemas.KeyCreated, ended.call("ada", "POST", f"/v1/keys/{made.id}/rotate").text)
    newest = ended.call("ada", "GET", "/v1/jobs").json()["jobs"][0]["id"]
    strict(schemas.JobView, ended.call("ada", "POST", f"/v1/jobs/{newest}/cancel").text)


def test_times_are_utc_and_amounts_are_text(ended):
    view = ended.see(job(ended))
    assert re.fullmatch(r"[\d-]+T[\d:.]+Z", view["created_at"])
    assert all(isinstance(view["cost"][name], str) for name in ("quoted", "held", "charged"))


def test_the_description_names_every_route_and_its_problems(gateway):
    document = gateway.client.get("/openapi.json").json()
    paths = set(document["paths"])
    assert {"/v1/jobs", "/v1/jobs/{job_id}/result", "/v1/events", "/v1/keys/{key_id}/rotate", "/readyz"} <= paths
    answers = document["paths"]["/v1/jobs"]["post"]["responses"]
    assert {"202", "200", "401", "402", "403", "409", "413", "422", "429", "503"} <= set(answers)
    assert set(answers["422"]["content"]) == {"application/problem+json"}
    assert {"JobRequest", "Problem", "JobView", "ResultView", "RefusalView"} <= set(document["components"]["schemas"])


def test_every_reference_of_the_description_leads_somewhere(gateway):
    document = gateway.client.get("/openapi.json")
    known = set(document.json()["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/(\w+)"', document.text)) <= known


def test_a_gateway_without_devices_is_not_ready(gateway):
    with gateway.store.write() as work:
        for backend in ("local", "braket", "pasqal"):
            work.catalogue.put_devices(backend, "rerun", [], gateway.clock())
    answer = gateway.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unready")


def test_a_gateway_on_an_old_schema_is_not_ready(gateway):
    with gateway.store.write() as work:
        work.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    assert gateway.client.get("/readyz").status_code == 503


def test_metrics_are_text_for_prometheus(gateway):
    answer = gateway.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "qsubmit_" in answer.text
