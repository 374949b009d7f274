"""Does the interface stand on any executor, and is it safe against odd requests?"""

from __future__ import annotations

import gzip
import json

import anyio
import httpx
import pytest

from backends.pasqal.sandbox.shell import kind_of
from backends.pasqal.wire.executor import Denied, Page, Query
from backends.pasqal.wire.filters import query_of
from backends.pasqal.wire.routes import MAX_BODY_BYTES, application

BEARER = {"Authorization": "Bearer any"}


class Recorder:
    """An executor that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def admit(self, bearer):
        return f"user of {bearer}"

    def login(self, form):
        if form.get("password") != "right":
            raise Denied(403, "Wrong email or password.")
        return {"access_token": "t", "expires_in": 60}

    def create(self, user, body):
        self.asked.append((user, body))
        return {"id": "b1"}

    def batches(self, query):
        self.asked.append(query)
        return Page(items=[{"id": "b1"}], total=5)

    def result_path(self, job_id):
        return f"/results/{job_id}?signature=s" if job_id == "done" else None

    def cancel(self, batch_id):
        if batch_id == "over":
            raise Denied(400, "it is over")
        return {"id": batch_id}


def ask(method, path, *, executor=None, headers=BEARER, **rest):
    async def go():
        transport = httpx.ASGITransport(app=application(executor or Recorder()))
        async with httpx.AsyncClient(transport=transport, base_url="http://vendor") as client:
            return await client.request(method, path, headers=headers, **rest)

    return anyio.run(go)


def test_a_create_reaches_the_executor_from_a_gzip_body():
    executor = Recorder()
    body = gzip.compress(json.dumps({"jobs": []}).encode())
    headers = {**BEARER, "Content-Encoding": "gzip"}
    answer = ask("POST", "/core-fast/api/v1/batches", executor=executor, content=body, headers=headers)
    assert answer.json() == {"status": "success", "message": "OK.", "code": 200, "data": {"id": "b1"}}
    assert executor.asked == [("user of any", {"jobs": []})]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}])
def test_without_a_token_nothing_is_asked(headers):
    executor = Recorder()
    answer = ask("POST", "/core-fast/api/v1/batches", executor=executor, headers=headers, json={})
    assert (answer.status_code, answer.json()["status"]) == (401, "fail")
    assert executor.asked == []


@pytest.mark.parametrize(
    ("content", "encoding", "code"),
    [
        (b"{", None, 422),
        (b"[1]", None, 422),
        (b"", None, 422),
        (b"[" * 200_000, None, 422),
        (b"no gzip", "gzip", 422),
        (gzip.compress(b" " * (MAX_BODY_BYTES + 2)), "gzip", 413),
    ],
    ids=["cut", "list", "empty", "deep", "plain", "bomb"],
)
def test_a_body_that_is_no_batch_is_refused(content, encoding, code):
    headers = BEARER | ({"Content-Encoding": encoding} if encoding else {})
    answer = ask("POST", "/core-fast/api/v1/batches", content=content, headers=headers)
    assert answer.status_code == code
    assert answer.json()["code"] == str(code)


def test_a_listing_has_its_bounds():
    executor = Recorder()
    answer = ask("GET", "/core-fast/api/v1/batches?tag=x&id=a&id=b&offset=2&limit=1", executor=executor)
    assert answer.json()["pagination"] == {"total": 5, "start": 2, "offset": 2, "end": 3}
    assert executor.asked == [Query(ids=("a", "b"), tag="x", offset=2, limit=1)]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "start_date=soon", "min_runs=x"])
def test_a_filter_that_cannot_be_read_is_refused(query):
    assert ask("GET", f"/core-fast/api/v1/batches?{query}").status_code == 422


def test_filters_are_read_as_the_sdk_writes_them():
    query = query_of([("status", "DONE"), ("open", "True"), ("start_date", "2026-11-20T00:00:00"), ("errors", "False")])
    assert query == Query(statuses=("DONE",), open=True, errors=False, start=1795132800.0)


def test_a_result_address_stands_on_this_server():
    ready = ask("GET", "/core-fast/api/v1/jobs/done/results_link").json()["data"]["results_link"]
    assert ready == "http://vendor/results/done?signature=s"
    assert ask("GET", "/core-fast/api/v1/jobs/new/results_link").json()["data"]["results_link"] is None


def test_many_are_cancelled_and_each_refusal_is_told():
    answer = ask("PATCH", "/core-fast/api/v1/batches/cancel", json={"batch_ids": ["a", "over"]})
    assert answer.json()["data"] == {"batches": [{"id": "a"}], "errors": {"over": "it is over"}}


def test_the_login_speaks_oauth():
    assert ask("POST", "/oauth/token", data={"password": "right"}).json()["access_token"] == "t"
    wrong = ask("POST", "/oauth/token", data={"password": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (403, "invalid_grant")


def test_what_is_not_there_is_told_in_the_vendors_form():
    answer = ask("GET", "/core-fast/api/v9/nothing")
    assert (answer.status_code, answer.json()["status"]) == (404, "fail")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/oauth/token", "login"),
        ("POST", "/core-fast/api/v1/batches", "create"),
        ("POST", "/core-fast/api/v1/batches/x/rebatch", "create"),
        ("POST", "/core-fast/api/v2/batches/x/jobs", "add"),
        ("GET", "/core-fast/api/v1/batches", "list"),
        ("GET", "/core-fast/api/v2/jobs", "list"),
        ("GET", "/core-fast/api/v2/batches/x", "read"),
        ("GET", "/core-fast/api/v1/batches/x/status", "read"),
        ("PATCH", "/core-fast/api/v2/batches/x/cancel", "cancel"),
        ("PATCH", "/core-fast/api/v2/batches/x/complete", "change"),
        ("GET", "/core-fast/api/v1/jobs/x/results_link", "result"),
        ("GET", "/results/x", "result"),
        ("GET", "/core-fast/api/v1/devices/specs", "devices"),
        ("GET", "/account/api/v1/projects", "devices"),
    ],
)
def test_faults_know_each_kind_of_request(method, path, kind):
    assert kind_of(method, path) == kind
