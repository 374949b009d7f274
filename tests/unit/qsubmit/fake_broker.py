"""A broker without a broker: the real shapes over real HTTP, moved by the test's hand, with faults to order."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from broker.api import schemas
from broker.domain.lifecycle import NEXT, TERMINAL, JobState
from tests.unit.qsubmit.fake_shapes import DECISION, DEVICES, KEY, job_view, program_view, result_document, specs_view

START = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
WAY = ("queued", "submitting", "submitted", "running", "fetching", "succeeded")
KEY_TEXT = "qs_test_0123456789abcdef"


class Fault:
    """What happens to the next request that matches: an answer, or a connection cut before or after it acted."""

    def __init__(self, status=None, problem=None, *, headers=None, cut=None, path=""):
        self.status, self.problem, self.headers = status, problem or {}, headers or {}
        self.cut, self.path = cut, path


class FakeBroker:
    """``jobs`` by id, ``seen`` requests, ``faults`` to come. ``way`` is what a new job does by itself."""

    def __init__(self):
        self.jobs, self.results, self.by_key = {}, {}, {}
        self.events = []
        self.seen, self.faults = [], deque()
        self.way = WAY
        self.streaming, self.cut_stream_after = True, None
        self.devices, self.decision, self.keys = DEVICES, DECISION, [KEY]
        self.changed = threading.Condition()
        self.stopping = False
        self.walls = [wall("files"), wall("user")]
        self.ready = {"status": "ok", "checks": {"store": "ok", "queue": "ok"}}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.broker = self
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self):
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_job(self, *, state="accepted", **facts):
        number = len(self.jobs) + 1
        name = f"0192f000-0000-7000-8000-{number:012}"
        self.jobs[name] = job_view(name, created_at=START + timedelta(minutes=number), **facts)
        self._event(name, None, "accepted", "")
        for step in WAY[: WAY.index(state) + 1] if state in WAY else ():
            self.move(name, step)
        if state not in WAY and state != "accepted":
            self.jobs[name]["state"] = "queued"
            self._event(name, "queued", state, "by hand")
        return name

    def move(self, name, state, reason=""):
        job = self.jobs[name]
        assert JobState(state) in NEXT[JobState(job["state"])], (job["state"], state)
        if state == "succeeded":
            job["cost"]["charged"] = "12"
            self.results.setdefault(name, result_document(job))
        self._event(name, job["state"], state, reason)

    def _event(self, name, before, state, reason):
        with self.changed:
            at = START + timedelta(seconds=len(self.events))
            event = schemas.EventView(
                id=len(self.events) + 1, job_id=name, before=before, state=state, at=at, reason=reason
            ).model_dump(mode="json")
            self.events.append(event)
            self.jobs[name]["state"] = state
            self.jobs[name]["timeline"].append({"state": state, "at": event["at"], "reason": reason})
            schemas.JobView(**self.jobs[name])
            self.changed.notify_all()

    def submit(self, body, key):
        schemas.JobRequest(**body)
        known = self.by_key.get(key)
        if known:
            return (
                (200, self.jobs[known[1]]) if known[0] == body else problem(422, "idempotency_mismatch", "other body")
            )
        name = self.add_job(body=body)
        self.by_key[key] = (body, name)
        for state in self.way:
            self.move(name, state)
        return 202, self.jobs[name]

    def paths(self, method="GET"):
        return [request["path"] for request in self.seen if request["method"] == method]

    def posts(self, path="/v1/jobs"):
        return [request for request in self.seen if request["method"] == "POST" and request["path"] == path]


def problem(status, code, detail, **more):
    body = {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": detail, **more}
    return status, schemas.Problem(**body).model_dump(mode="json")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def broker(self):
        return self.server.broker

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve("GET")

    def do_POST(self):
        self._serve("POST")

    def do_DELETE(self):
        self._serve("DELETE")

    def _serve(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        body = json.loads(raw) if raw else None
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        request = {"method": method, "path": url.path, "query": query, "body": body, "headers": dict(self.headers)}
        request["socket"] = self.client_address[1]
        self.broker.seen.append(request)
        fault = self._fault(url.path)
        if fault and fault.cut == "before":
            self.connection.close()
            self.close_connection = True
            return
        if fault and fault.cut is None:
            self._answer(fault.status, fault.problem, fault.headers)
            return
        if url.path == "/v1/events":
            self._stream(query)
            return
        status, document = route(self.broker, method, url.path, query, body, self.headers)
        if fault and fault.cut == "after":
            self.close_connection = True
            self.connection.close()
            return
        self._answer(status, document, {})

    def _fault(self, path):
        if self.broker.faults and path.startswith(self.broker.faults[0].path):
            return self.broker.faults.popleft()
        return None

    def _answer(self, status, document, headers):
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        content = b"" if status == 204 else content
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, query):
        if not self.broker.streaming:
            self._answer(*problem(404, "not_found", "no stream here"), {})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._write_events(int(self.headers.get("Last-Event-ID") or 0), query.get("job"))

    def _write_events(self, after, job):
        sent = 0
        while not self.broker.stopping:
            with self.broker.changed:
                fresh = [e for e in self.broker.events if e["id"] > after and job in {None, e["job_id"]}]
                if not fresh:
                    self.broker.changed.wait(0.05)
            if not fresh:
                self.wfile.write(b": beat\n\n")
            for event in fresh:
                after = event["id"]
                self.wfile.write(f"id: {event['id']}\nevent: move\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                sent += 1
                if self.broker.cut_stream_after == sent:
                    return


def wall(name, *, stands=True, means=""):
    """One wall of the only machine."""
    seen = "2026-03-02T04:05:06Z"
    return {"machine": "hub1", "wall": name, "stands": stands, "means": means, "seen_at": seen}


def route(broker, method, path, query, body, headers):
    if path == "/healthz":
        return 200, {"status": "ok", "checks": {}}
    if path == "/readyz":
        return 200, schemas.Health(**broker.ready).model_dump(mode="json")
    if path == "/openapi.json":
        return 200, {"info": {"version": "1"}}
    if headers.get("Authorization") != f"Bearer {KEY_TEXT}":
        return problem(401, "unauthenticated", "no such key")
    noun = path.split("/")[2]
    if noun == "walls":
        return 200, schemas.WallList(walls=broker.walls).model_dump(mode="json")
    if noun == "attention":
        return page(broker, query | {"state": "attention"})
    return {"jobs": jobs_route, "keys": keys_route, "quotes": quotes_route, "devices": devices_route}[noun](
        broker, method, path.split("/")[3:], query, body, headers
    )


def jobs_route(broker, method, rest, query, body, headers):
    if not rest:
        return broker.submit(body, headers["Idempotency-Key"]) if method == "POST" else page(broker, query)
    name = rest[0]
    if name not in broker.jobs:
        return problem(404, "not_found", f"there is no job {name}")
    job, part = broker.jobs[name], rest[1] if len(rest) > 1 else ""
    if part == "events":
        return 200, {"events": [event for event in broker.events if event["job_id"] == name]}
    if part == "decision":
        return 200, broker.decision
    if part == "result":
        return result_route(broker, job)
    if part:
        return verb_route(broker, job, part, body)
    return 200, job


def result_route(broker, job):
    if job["id"] in broker.results and job["state"] == "succeeded":
        return 200, broker.results[job["id"]]
    if JobState(job["state"]) in TERMINAL:
        return problem(404, "not_found", f"job {job['id']} has no result")
    return problem(409, "not_ready", f"job {job['id']} is {job['state']}")


def verb_route(broker, job, part, body):
    if part == "cancel":
        if JobState(job["state"]) in TERMINAL:
            return problem(409, "not_cancellable", f"job {job['id']} is {job['state']}")
        job["cancel_requested"] = True
        if job["state"] in {"accepted", "queued"}:
            broker.move(job["id"], "cancelled", "by the member")
        return 200, job
    (schemas.Adopt if part == "adopt" else schemas.Release)(**body)
    broker.move(job["id"], "submitted" if part == "adopt" else "failed", body["reason"])
    return 200, job


def page(broker, query):
    found = sorted(broker.jobs.values(), key=lambda job: job["id"], reverse=True)
    for field in ("state", "device", "name"):
        found = [job for job in found if field not in query or job[field] == query[field]]
    start, size = int(query.get("cursor", 0)), int(query.get("limit", 50))
    following = start + size if start + size < len(found) else None
    view = schemas.JobList(jobs=found[start : start + size], next_cursor=following and str(following))
    return 200, view.model_dump(mode="json")


def keys_route(broker, method, rest, _query, body, _headers):
    if method == "DELETE":
        return 204, None
    if method == "GET":
        return 200, schemas.KeyList(keys=broker.keys).model_dump(mode="json")
    if not rest:
        schemas.KeyRequest(**body)
    made = {**KEY, **{name: body[name] for name in ("name", "member") if body and name in body}, "key": "qs_new_secret"}
    return (200 if rest else 201), schemas.KeyCreated(**made).model_dump(mode="json")


def quotes_route(broker, _method, _rest, _query, body, _headers):
    schemas.QuoteRequest(**body)
    view = schemas.QuoteView(**broker.decision, program=program_view(body["program"]))
    return 200, view.model_dump(mode="json")


def devices_route(broker, _method, rest, *_):
    if rest and rest[-1] == "specs":
        name = "/".join(rest[:-1])
        if name not in {device["name"] for device in broker.devices}:
            return problem(404, "not_found", f"there is no device {name}")
        return 200, schemas.SpecsView(**specs_view(name)).model_dump(mode="json")
    return 200, schemas.DeviceList(devices=broker.devices).model_dump(mode="json")
