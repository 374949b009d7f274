"""Does a trace lead from the request to the vendor, and is nothing there when nobody asked for it?"""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backends.base import Backend
from broker.api.app import build
from broker.bootstrap import open_room
from broker.domain.scopes import Scope
from broker.services.traced import TracedAdmitter
from broker.services.writer import Writer
from broker.settings import Settings
from broker.tracing import Tracing, new_trace, trace_in, tracing_of, unless_idle
from tests.support.books import AT, BELL, DEVICE, day
from workers.spans import Traced, TracedDriver

PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"


class Spans:
    """What was exported, by name."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(unless_idle(SimpleSpanProcessor(self._exporter)))
        self.tracing = Tracing(provider)

    def __getitem__(self, name):
        return [span for span in self._exporter.get_finished_spans() if span.name == name]


def trace(span):
    return f"{span.context.trace_id:032x}"


def links(span):
    return {f"{link.context.trace_id:032x}" for link in span.links}


@pytest.fixture
def spans():
    return Spans()


@pytest.fixture
def books(tmp_path):
    with day(tmp_path) as made:
        yield made


def driver_of(books, spans, backend=None):
    wrapped = Traced(backend or books.vendor, spans.tracing, books.store)
    old = books.driver
    return TracedDriver(
        spans.tracing, store=books.store, backends={"braket": wrapped}, owner="a test", terms=old._terms,
        clock=books.clock, devices=lambda: {DEVICE.name: DEVICE},
    )  # fmt: skip


def test_a_vendor_call_for_one_job_is_in_the_trace_of_that_job(books, spans):
    books.driver = driver_of(books, spans)
    mine = new_trace()
    books.submit(trace=mine)
    books.tick(seconds=1)
    books.tick(seconds=60)
    assert [trace(span) for span in spans["vendor submit"]] == [mine]
    assert {trace(span) for name in ("vendor poll", "vendor fetch") for span in spans[name]} == {mine}


def test_a_vendor_call_for_many_stays_with_the_tick_and_points_at_them(books, spans):
    books.driver = driver_of(books, spans)
    names = {new_trace() for _ in range(3)}
    for name in names:
        books.submit(trace=name)
    books.tick(seconds=1)
    books.tick(seconds=60)
    [poll] = spans["vendor poll"]
    assert links(poll) == names
    assert trace(poll) in {trace(tick) for tick in spans["tick"]}
    assert poll.attributes["qsubmit.backend"] == "braket"


def test_a_tick_that_finds_nothing_leaves_no_span(books, spans):
    books.driver = driver_of(books, spans)
    books.tick(seconds=1)
    assert spans["tick"] == []


def test_a_failed_call_is_marked_and_the_error_passes(books, spans):
    wrapped = Traced(books.vendor, spans.tracing, books.store)
    books.vendor.poll = lambda _ids: 1 / 0
    with pytest.raises(ZeroDivisionError):
        wrapped.poll(["task-1"])
    [span] = spans["vendor poll"]
    assert not span.status.is_ok


def test_a_wrapped_backend_can_what_it_could_before_and_no_more(books, spans):
    wrapped = Traced(books.vendor, spans.tracing, books.store)
    assert isinstance(wrapped, Backend)
    assert (wrapped.at_once, wrapped.tells_ends, wrapped.keeps_ceilings) == (1, False, False)
    books.vendor.at_once, books.vendor.tells_ends = 7, True
    able = Traced(books.vendor, spans.tracing, books.store)
    assert (able.at_once, able.tells_ends, able.keeps_ceilings) == (7, True, False)
    books.vendor.specs = lambda device: f"of {device}"
    assert wrapped.specs("it") == "of it"
    assert (wrapped.name, wrapped.recovery) == (books.vendor.name, books.vendor.recovery)


def gateway(books, tmp_path, spans):
    room = open_room(Settings(data=tmp_path, pepper="0" * 64), books.store)
    assert room.tracing is None
    if spans is not None:
        writer = Writer(TracedAdmitter(books.store, room.clock, spans.tracing))
        object.__setattr__(room, "tracing", spans.tracing)
        object.__setattr__(room, "writer", writer)
    with books.store.write() as work:
        _, secret = room.keys.create(
            work, member=books.member().id, name="", scopes=list(Scope), at=AT, expires_at=None, by=""
        )
    client = TestClient(build(room))
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


def submitted(client, **headers):
    body = {"program": {"format": "openqasm2", "source": BELL}, "shots": 100, "device": DEVICE.name}
    answer = client.post("/v1/jobs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["trace_id"]


def test_a_job_takes_over_the_trace_of_its_request(books, tmp_path, spans):
    with gateway(books, tmp_path, spans) as client:
        name = submitted(client, traceparent=PARENT)
        other = submitted(client)
    assert name == "ab" * 16
    assert [trace(span) for span in spans["POST /v1/jobs"]] == [name, other]
    assert {link for span in spans["admit commit"] for link in links(span)} == {name, other}
    assert spans["POST /v1/jobs"][0].attributes["http.response.status_code"] == 202


def test_without_tracing_every_job_has_a_trace_id_all_the_same(books, tmp_path):
    with gateway(books, tmp_path, None) as client:
        assert submitted(client, traceparent=PARENT) == "ab" * 16
        given = {submitted(client), submitted(client), submitted(client, traceparent=f"00-{'0' * 32}-{'0' * 16}-01")}
    assert len(given) == 3
    assert all(trace_in(f"00-{name}-{'1' * 16}-01") == name for name in given)


def test_tracing_is_off_unless_asked_for():
    assert tracing_of(Settings(), "a test") is None


def test_tracing_without_the_extra_is_a_warning(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert tracing_of(Settings(tracing=True), "a test") is None
    assert "qsubmit[otel]" in caplog.text


def test_importing_the_gateway_and_the_worker_starts_no_telemetry():
    code = "import sys, broker.bootstrap, workers.compose; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0


def test_with_the_extra_spans_go_to_the_collector(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    made = tracing_of(Settings(tracing=True), "a test")
    assert made is not None
    made._provider._active_span_processor._span_processors = ()  # nobody listens there: do not wait for it
    made.close()
