"""Does exactly one create go over the wire, whatever happens to it, and does every error become one of ours?"""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from backends.environment import Secret
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized
from backends.pasqal.draft import Draft, DraftJob
from backends.pasqal.settings import sandbox_settings

PASSWORD = "canary-password"
TOKEN = "canary-token"
DRAFT = Draft(sequence="{}", jobs=(DraftJob(runs=3),), device_type="EMU_FREE", tags=("qsub-1",))
BATCH = {
    "id": "7f2f47cc-6bb2-4b0f-9b41-6a2b6c1f9f11",
    "open": False,
    "complete": True,
    "created_at": "x",
    "updated_at": "x",
    "device_type": "EMU_FREE",
    "project_id": "p",
    "user_id": "u",
    "status": "PENDING",
}


class Vendor:
    """A server that answers logins well and everything else by a script: bytes to send, or None to hang up."""

    def __init__(self, script):
        self.script = script
        self.seen = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line):
        with line:
            head, body = read_request(line)
            if head.startswith(b"POST /oauth/token"):
                line.sendall(ok({"access_token": TOKEN, "expires_in": 3600}))
                return
            self.seen.append((head, body))
            try:
                self.script(line, len(self.seen))
            except OSError:
                return

    def close(self):
        self._listener.close()


def read_request(line):
    text = b""
    while b"\r\n\r\n" not in text:
        text += line.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next((int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-len")), 0)
    while len(body) < length:
        body += line.recv(65536)
    return head, body


def reply(status, content, extra=""):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
    return head.encode() + content


def ok(document):
    return reply(200, json.dumps(document).encode())


def jsend(status, extra="", description="said the vendor"):
    body = {"status": "fail", "message": "m", "code": str(status), "data": {"description": description}}
    return reply(status, json.dumps(body).encode(), extra)


def says(content):
    return lambda line, _: line.sendall(content)


def hangs(line, _):
    time.sleep(3)


def drips(line, _):
    for byte in ok({"data": BATCH}):
        line.sendall(bytes((byte,)))
        time.sleep(0.05)


def resets(line, _):
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@contextmanager
def cloud_over(script, *, seconds=1.0):
    from backends.pasqal.cloud import Cloud
    from backends.pasqal.transport import connect

    vendor = Vendor(script)
    settings = replace(sandbox_settings(vendor.url), password=Secret(PASSWORD))
    try:
        yield Cloud(connect(settings, seconds=seconds)), vendor
    finally:
        vendor.close()


FAULTS = {
    "hang": (hangs, OutcomeUnknown),
    "drip": (drips, OutcomeUnknown),
    "reset": (resets, OutcomeUnknown),
    "hang up": (lambda line, _: None, OutcomeUnknown),
    "truncated": (says(ok({"data": BATCH})[:-20]), OutcomeUnknown),
    "no json": (says(reply(200, b"<html>")), OutcomeUnknown),
    "no data": (says(ok({"status": "success"})), OutcomeUnknown),
    "half a batch": (says(ok({"data": {"id": "x"}})), OutcomeUnknown),
    "null": (says(ok({"data": None})), OutcomeUnknown),
    "redirect": (says(reply(307, b"", "Location: /again\r\n")), OutcomeUnknown),
    "proxy": (says(reply(502, b"<html>bad gateway</html>")), OutcomeUnknown),
    "408": (says(jsend(408)), OutcomeUnknown),
    "425": (says(jsend(425)), Busy),
    "429": (says(jsend(429, "Retry-After: 4\r\n")), Busy),
    "500": (says(jsend(500)), OutcomeUnknown),
    "502": (says(jsend(502)), OutcomeUnknown),
    "503": (says(jsend(503)), OutcomeUnknown),
    "504": (says(jsend(504)), OutcomeUnknown),
    "400": (says(jsend(400)), Refused),
    "401": (says(jsend(401)), Unauthorized),
    "402": (says(jsend(402)), Refused),
    "403": (says(jsend(403)), Unauthorized),
    "422": (says(jsend(422)), Refused),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_create_is_one_post(name, caplog):
    script, kind = FAULTS[name]
    caplog.set_level(logging.DEBUG)
    with cloud_over(script) as (cloud, vendor), pytest.raises(BackendError) as caught:
        cloud.create(DRAFT)
    assert type(caught.value) is kind
    assert len(vendor.seen) == 1
    told = f"{caught.value!r} {caught.value} {caplog.text} {cloud!r}"
    assert PASSWORD not in told
    assert TOKEN not in told


def test_a_create_that_works_carries_token_and_project():
    with cloud_over(says(ok({"data": BATCH}))) as (cloud, vendor):
        assert cloud.create(DRAFT) == BATCH["id"]
    [(head, body)] = vendor.seen
    sent = json.loads(gzip.decompress(body))
    assert f"Bearer {TOKEN}".encode() in head
    assert sent["tags"] == ["qsub-1"]
    assert sent["device_type"] == "EMU_FREE"
    assert sent["jobs"] == [{"runs": 3}]
    assert sent["project_id"] == sandbox_settings("").project


def test_adding_jobs_is_one_post_too():
    with cloud_over(says(jsend(502))) as (cloud, vendor), pytest.raises(OutcomeUnknown):
        cloud.add_jobs(BATCH["id"], DRAFT.jobs)
    assert len(vendor.seen) == 1


def test_a_throttle_keeps_its_patience():
    with cloud_over(says(jsend(429, "Retry-After: 4\r\n"))) as (cloud, _), pytest.raises(Busy) as caught:
        cloud.create(DRAFT)
    assert caught.value.retry_after == 4.0


def test_nobody_there_is_provably_nothing_sent():
    from backends.pasqal.cloud import Cloud
    from backends.pasqal.transport import connect

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    cloud = Cloud(connect(sandbox_settings(f"http://127.0.0.1:{port}"), seconds=1.0))
    with pytest.raises(Busy, match="out of reach"):
        cloud.create(DRAFT)


def test_no_such_name_is_provably_nothing_sent():
    from backends.exchange import Unsent
    from backends.transport import Letter, ask

    with pytest.raises(Unsent):
        ask(Letter(method="POST", url="http://qsubmit.invalid/", headers={}, body=b"{}"), seconds=5.0)


def test_an_old_token_is_renewed_for_a_look_and_a_create_comes_again(monkeypatch):
    from backends.pasqal import login

    monkeypatch.setattr(login, "_FRESH_S", -1.0)
    with cloud_over(lambda line, n: line.sendall(jsend(401) if n == 1 else ok({"data": BATCH}))) as (cloud, vendor):
        assert cloud.batch(BATCH["id"]).id == BATCH["id"]
        assert len(vendor.seen) == 2
    with cloud_over(says(jsend(401))) as (cloud, vendor), pytest.raises(Busy) as caught:
        cloud.create(DRAFT)
    assert (len(vendor.seen), caught.value.retry_after) == (1, 1.0)


@pytest.mark.parametrize(
    "scheme", ["http://example.org/r", "file:///etc/passwd", "ftp://127.0.0.1/r", "http://127.0.0.1:1/r"]
)
def test_a_result_is_read_only_from_a_safe_address(scheme):
    with cloud_over(says(ok({"data": {"results_link": scheme}}))) as (cloud, _), pytest.raises(Busy, match="https"):
        cloud._client._client.get_job_results(BATCH["id"])


def test_every_error_of_the_sdk_becomes_one_of_ours():
    import requests
    from pasqal_cloud import errors

    from backends.pasqal.cloud import SDK_ERRORS, translated

    assert errors.BatchCreationError in SDK_ERRORS
    assert len(SDK_ERRORS) > 25
    response = requests.Response()
    response.status_code = 422
    response._content = jsend(422).partition(b"\r\n\r\n")[2]
    for kind in SDK_ERRORS:
        bare = kind.__new__(kind)
        assert isinstance(translated(bare, creating=True), BackendError)
        assert isinstance(translated(bare, creating=False), BackendError)
    told = errors.BatchCreationError.__new__(errors.BatchCreationError)
    told.__cause__ = requests.HTTPError(response=response)
    assert isinstance(translated(told, creating=True), Refused)


def test_an_error_of_the_sdk_that_is_no_exception_does_not_escape():
    jobs = (DraftJob(runs=1, sequence="{}", variables={"t": 1}),)
    with cloud_over(says(jsend(500))) as (cloud, vendor), pytest.raises(Refused, match="variables"):
        cloud.create(replace(DRAFT, sequence=None, jobs=jobs))
    assert not vendor.seen
