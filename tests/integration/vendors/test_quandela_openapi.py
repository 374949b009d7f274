"""Do the sandbox's routes keep to Quandela's published OpenAPI document?

tests/support/quandela-openapi.json is ``https://api.cloud.quandela.com/openapi.json``, version v2.8.0-rc4, as
published on 2026-08-17. Served of it: jobs, old and new routes, the usage report and the health check. Not served:
the management of tokens, the quantum toolbox and the random numbers.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backends.quandela.sandbox.serve import ServedSandbox
from tests.contract.promises import until
from tests.support.quandela_programs import BEAM_SPLITTER

DOCUMENT = json.loads((Path(__file__).parents[2] / "support" / "quandela-openapi.json").read_text())
SERVED = r"^/(health)?$|^/api/job|^/api/tokens/usage/report$"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT).include(path_regex=SERVED)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    served = ServedSandbox(tmp_path_factory.mktemp("quandela"))
    yield served.url
    served.close()


@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_a_route_answers_as_published(case, url):
    answer = case.call(base_url=url, headers={"Authorization": "Bearer any"})
    case.validate_response(answer, checks=CHECKS)


def published(url, method, path, body=None, **places):
    """The document of an answer with status 200 that keeps to the published form."""
    case = SCHEMA[path][method].Case(
        path_parameters=places,
        **({"body": body, "media_type": "application/json"} if body is not None else {}),
    )
    answer = case.call(base_url=url, headers={"Authorization": "Bearer any"})
    assert answer.status_code == 200, answer.text
    case.validate_response(answer, checks=CHECKS)
    return answer.json()


@pytest.mark.parametrize("old", [True, False])
def test_a_job_s_whole_life_answers_as_published(url, old):
    work = {"command": "sample_count", "max_shots": 10, "max_samples": 10}
    work |= {"circuit": BEAM_SPLITTER, "input_state": ":PCVL:BasicState:|1,1>"}
    body = {"job_name": "life", "platform_name": "sim:slos", "payload": work}
    one = "/api/job/{what}/{{job_id}}" if old else "/api/jobs/{{job_id}}/{what}"
    job_id = published(url, "POST", "/api/job" if old else "/api/jobs", body)["job_id"]
    published(url, "GET", one.format(what="result"), job_id=job_id)
    until(lambda: published(url, "GET", one.format(what="status"), job_id=job_id)["status"] == "completed")
    result = published(url, "GET", one.format(what="result"), job_id=job_id)
    assert "results" in json.loads(result["results"])
    published(url, "GET", "/api/jobs/{job_id}/data", job_id=job_id)
    published(url, "GET", "/api/jobs/availability")
    assert published(url, "GET", "/api/tokens/usage/report")[0]["total_jobs"] >= 1


def test_every_published_route_of_jobs_is_served(url):
    import requests

    for path, methods in DOCUMENT["paths"].items():
        if not path.startswith("/api/job"):
            continue
        for method in methods:
            where = url + path.replace("{job_id}", "00000000-0000-4000-8000-000000000000")
            answer = requests.request(method, where, headers={"Authorization": "Bearer x"}, timeout=5)
            assert answer.status_code != 405, path
            assert answer.text != "Not Found", path
