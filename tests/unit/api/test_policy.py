"""Does every answer say what a browser may do with it, and is a number of any length only a bad request?"""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from broker.api.policy import STRICT
from tests.support.gateway import request

LONG = "9" * 5000


def strict(answer):
    said = answer.headers
    return (
        said["x-content-type-options"], said["x-frame-options"], said["referrer-policy"],
        said["content-security-policy"],
    ) == ("nosniff", "DENY", "no-referrer", STRICT)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status", "more"),
    [
        ("GET", "/healthz", 200, {}),
        ("GET", "/openapi.json", 200, {}),
        ("GET", "/metrics", 200, {}),
        ("GET", "/v1/jobs", 200, {}),
        ("GET", "/v1/events?follow=false", 200, {}),
        ("POST", "/v1/jobs", 202, {"json": request()}),
        ("POST", "/v1/jobs", 422, {"content": b"{"}),
        ("POST", "/v1/jobs", 413, {"content": b"x" * ((1 << 20) + 1)}),
        ("GET", "/nowhere", 404, {}),
        ("PUT", "/v1/jobs", 405, {}),
    ],
)
def test_a12_every_answer_has_a_policy(gateway, method, path, status, more):
    answer = gateway.call("ada", method, path, **more)
    assert answer.status_code == status
    assert strict(answer)


def test_a12_an_answer_without_a_key_and_one_to_a_fault_of_ours_have_it_too(gateway, monkeypatch):
    assert strict(gateway.client.get("/v1/jobs"))
    monkeypatch.setattr("broker.api.keys.present.key", lambda *_: 1 / 0)
    answer = gateway.call("ada", "GET", "/v1/keys")
    assert answer.status_code == 500
    assert strict(answer)


def test_a12_the_page_of_the_interface_runs_its_own_script_and_no_other(gateway):
    page = gateway.client.get("/docs")
    said = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in said["script-src"]
    assert "unsafe" not in said["script-src"]
    assert (said["default-src"], said["frame-ancestors"]) == ("'none'", "'none'")
    sources = re.findall(r'<script src="(https://[^/"]+)', page.text) + re.findall(r'href="(https://[^/"]+)', page.text)
    assert sources
    assert all(source in page.headers["content-security-policy"] for source in sources)
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", f"/v1/events?after={LONG}", {}),
        ("GET", "/v1/events", {"headers": {"Last-Event-ID": LONG}}),
        ("GET", f"/v1/jobs?limit={LONG}", {}),
        ("GET", f"/v1/jobs?cursor={LONG}", {}),
        ("GET", f"/v1/jobs/{LONG}", {}),
        ("DELETE", f"/v1/keys/{LONG}", {}),
        ("GET", f"/v1/admin/attention?limit={LONG}", {}),
        ("POST", "/v1/jobs", {"content": f'{{"shots": {LONG}}}'}),
        ("POST", "/v1/jobs", {"content": f'{{"shots": 1e{LONG}}}'}),
        ("POST", "/v1/quotes", {"content": f'{{"shots": {LONG}}}'}),
        ("POST", "/grafana/query", {"content": f'{{"intervalMs": {LONG}}}'}),
        ("POST", "/v1/keys", {"json": {"limit": {"amount": LONG, "currency": "KRW"}}}),
        ("POST", "/v1/keys", {"json": {"expires_at": LONG}}),
    ],
)
def test_a12_a_number_of_any_length_is_a_bad_request(gateway, method, path, more):
    headers = {"Content-Type": "application/json"} | more.pop("headers", {})
    answer = gateway.call("root", method, path, headers=headers, **more)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_a12_a_declared_length_of_any_length_is_too_large(gateway):
    answer = gateway.call("ada", "POST", "/v1/quotes", content=b"{}", headers={"Content-Length": LONG})
    assert answer.status_code == 413
