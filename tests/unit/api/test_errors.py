"""Has every error the one shape, and a status of its own?"""

from __future__ import annotations

import inspect

import pytest
from sqlalchemy.exc import OperationalError

from broker.api.errors import STATUS, TITLES, of_error
from broker.api.schemas import Problem
from broker.domain import errors
from broker.reads import jobs

INTERNAL = {errors.QsubmitError, errors.IllegalTransition}


def kinds():
    return [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.QsubmitError)]


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind not in INTERNAL])
def test_every_error_of_the_domain_has_a_status_with_a_title(kind):
    assert STATUS[kind] in TITLES


def test_codes_are_unique():
    codes = [kind.code for kind in kinds() if kind not in INTERNAL | {errors.ProgramInvalid}]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/jobs/", 404, "not_found"),
        ("PUT", "/v1/jobs", 405, "method_not_allowed"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/00000000-0000-7000-8000-000000000000", 404, "not_found"),
        ("GET", "/v1/jobs/%00", 422, "request_invalid"),
        ("GET", "/v1/jobs?limit=0", 422, "request_invalid"),
        ("GET", "/v1/jobs?state=asleep", 422, "request_invalid"),
        ("GET", "/v1/jobs?since=2020-01-01T00:00:00", 422, "request_invalid"),
        ("GET", "/v1/jobs?tag=%00", 422, "request_invalid"),
        ("GET", "/v1/events?after=-1", 422, "request_invalid"),
        ("GET", "/v1/jobs?cursor=%00", 422, "request_invalid"),
        ("DELETE", "/v1/keys/qs_live_nobody", 404, "not_found"),
    ],
)
def test_every_refusal_is_a_problem(gateway, method, path, status, code):
    answer = gateway.call("ada", method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(answer.json(), extra="forbid")
    assert (answer.status_code, problem.status, problem.code) == (status, status, code)


def test_a_method_that_is_not_allowed_says_which_are(gateway):
    assert set(gateway.call("ada", "PUT", "/v1/jobs").headers["allow"].split(", ")) & {"GET", "POST"}


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer \xe9", "bearer"]
)
def test_without_a_good_key_nobody_comes_in(gateway, header):
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    answer = gateway.client.get("/v1/jobs", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_database_that_does_not_answer_is_unavailable(gateway, monkeypatch):
    gateway.call("ada", "GET", "/v1/jobs")

    def broken(*_, **__):
        raise OperationalError("SELECT secret", {}, OSError("no route"))

    monkeypatch.setattr(jobs, "page", broken)
    answer = gateway.call("ada", "GET", "/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "secret" not in answer.text


def test_a_bug_is_a_problem_that_tells_nothing(gateway, monkeypatch):
    gateway.call("ada", "GET", "/v1/jobs")
    monkeypatch.setattr(jobs, "page", lambda *_, **__: 1 // 0)
    answer = gateway.call("ada", "GET", "/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "division" not in answer.text


def test_a_refusal_with_unspeakable_text_can_still_be_sent():
    assert b"\\ud800" in of_error(errors.RequestInvalid("\ud800")).body
