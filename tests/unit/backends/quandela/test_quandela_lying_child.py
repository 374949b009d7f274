"""Whatever a child returns: is the request on the wire the order's, or is nothing sent?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Phase
from backends.child import ChildError, ChildKilled
from backends.environment import Secret
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, UnknownJob, Unreadable
from backends.exchange import Reply
from backends.quandela.adapter import QuandelaBackend
from backends.quandela.outcomes import outcome_of
from backends.quandela.settings import PLATFORMS, Settings
from backends.translation import CODE
from broker.domain.program import Format, Program
from tests.contract.promises import requirement
from tests.support import quandela_programs as programs


class Desk:
    """A child that says what it is told to."""

    def __init__(self, answer):
        self.answer = answer
        self.closed = 0

    def call(self, request, **_):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(request) if callable(self.answer) else self.answer

    def close(self):
        self.closed += 1


class Wire:
    """The vendor: keeps what was sent, answers what it is told to."""

    def __init__(self, *answers):
        self.sent = []
        self.answers = list(answers)

    def ask(self, method, path, *, timeout_s, body=None, headers=None):
        self.sent.append((method, path, None if body is None else json.loads(body)))
        return self.answers.pop(0) if self.answers else reply(200, {"job_id": "7"})


def reply(status, document, retry_after=None):
    return Reply.of(status, json.dumps(document).encode(), retry_after)


def adapter(answer, *answers):
    settings = Settings(url="http://127.0.0.1:9", token=Secret("t"), platforms=PLATFORMS, sandbox=True)
    made = QuandelaBackend(settings, child=Desk(answer))
    made._transport = Wire(*answers)
    return made


def serialised(source):
    from perceval.serialization import serialize

    from backends.quandela.translate import experiment_of

    return serialize(experiment_of(json.loads(source)))


QPU = programs.device("qpu:ascella", commands="sample_count,samples")
TRUTH = serialised(programs.source())

LIES = {
    "the body of a create, as children once gave it": {"body": {"platform_name": "qpu:ascella", "payload": {}}},
    "a platform beside the program": {"experiment": TRUTH, "bits": None, "platform_name": "qpu:ascella"},
    "a command beside the program": {"experiment": TRUTH, "bits": None, "command": "samples"},
    "no program": {"bits": None},
    "a program that is a number": {"experiment": 7, "bits": None},
    "a program that is a circuit": {"experiment": programs.BEAM_SPLITTER, "bits": None},
    "a program of a type that is opened by name": {"experiment": "pcvlar 0 1 0 QuandelaRPCHandler", "bits": None},
    "another program": {"experiment": serialised(programs.source(programs.ROTATION, "|1,1,1>")), "bits": None},
    "more photons": {"experiment": serialised(programs.source(input_state="|2,1>")), "bits": None},
    "free parameters": {"experiment": serialised(programs.source(programs.INTERFEROMETER)), "bits": None},
    "bits of a gate circuit": {"experiment": TRUTH, "bits": "0.1"},
    "a name of its own": {"experiment": TRUTH, "bits": "0 shots=1"},
    "nothing": {},
}


@pytest.mark.parametrize("lie", LIES)
def test_a3_a_translator_that_lies_sends_nothing_and_serves_nobody_again(lie):
    backend = adapter(LIES[lie])
    with pytest.raises(Refused) as caught:
        backend.submit(programs.order())
    assert caught.value.code in (CODE, "program_invalid")
    assert backend._transport.sent == []
    assert backend._desk.closed or caught.value.code == "program_invalid"


def test_a3_what_is_sent_is_the_order_s_whatever_a_simulator_s_program_asked_for():
    backend = adapter({"experiment": TRUTH, "bits": None})
    order = programs.order(programs.source(command="probs"), shots=17)
    backend.submit(order)
    ((_, path, body),) = backend._transport.sent
    assert path == "/api/jobs"
    assert body["platform_name"] == order.device.vendor_id == "sim:slos"
    work = body["payload"]
    assert set(work) == {"command", "max_shots", "job_context", "experiment"}
    assert (work["command"], work["max_shots"], work["experiment"]) == ("probs", 17, TRUTH)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(TRUTH),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["experiment", "bits", "body", "command", "platform_name", "payload", "max_shots", "iterator"])
ANSWERS = st.dictionaries(WORDS, JSON, max_size=5) | st.fixed_dictionaries({"experiment": JSON, "bits": JSON})


@given(answer=ANSWERS, shots=st.integers(1, 10**6), on=st.sampled_from([programs.device(), QPU]))
def test_a3_whatever_a_child_returns_the_wire_bears_the_order_or_nothing(answer, shots, on):
    backend = adapter(answer)
    order = programs.order(shots=shots, on=on)
    try:
        backend.submit(order)
    except Refused:
        assert backend._transport.sent == []
        return
    ((_, _, body),) = backend._transport.sent
    work = body["payload"]
    assert body["platform_name"] == on.vendor_id
    assert (work["command"], work["max_shots"], work["max_samples"]) == ("sample_count", shots, shots)
    assert body["job_name"] == f"{order.token} shots={shots}"
    assert body["max_duration"] == backend._settings.max_duration_s
    assert set(body) == {"pcvl_version", "process_id", "payload", "platform_name", "job_name", "max_duration"}
    assert work["experiment"] == TRUTH


@pytest.mark.parametrize("bits", ["0", "0.1.1", "0.9", "0.1\n", "1." * 99 + "1", None, ["0", "1"], "0.1 shots=1"])
def test_a3_a_gate_circuit_s_bits_are_those_of_the_order(bits):
    text = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\nc = measure q;\n'
    need = requirement(Format.OPENQASM3, width=2, registers=(("c", 2),))
    order = replace(
        programs.order(), program=Program.of(Format.OPENQASM3, text), requirement=need, device=programs.gate_device()
    )
    backend = adapter({"experiment": TRUTH, "bits": bits})
    with pytest.raises(Refused):
        backend.submit(order)
    assert backend._transport.sent == []


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (
            ChildError(kind="X" * 9999, message="\x00" * 9999, where={"code": 7, "line": "1"}, tail=""),
            "program_invalid",
        ),
        (ChildError(kind=7, message=None, where={"code": "A" * 99, "line": 10**30}, tail=""), "program_invalid"),
        (ChildKilled("crash"), "program_invalid"),
        (ChildKilled("wall"), "limit_exceeded"),
    ],
)
def test_a3_what_a_child_says_of_its_failure_is_bounded_and_can_be_stored(trouble, code):
    with pytest.raises(Refused) as caught:
        adapter(trouble).submit(programs.order())
    assert caught.value.code == code
    assert (caught.value.line, caught.value.pointer) == (None, None)
    assert "\x00" not in str(caught.value)
    assert len(str(caught.value)) <= 2000


# ------------------------------------------------------------------------------------- results

RESULT = {"results": json.dumps({"results": ":PCVL:BSCount:{|1,1>=5}"}), "duration": 2, "shots": 5}
RECORD = {"job_name": "qsub-1 shots=5", "platform_name": "sim:slos"}
READINGS = [
    {},
    {"points": [], "warnings": []},
    {"points": [{"counts": {"|1,1>": 5}}] * 2, "warnings": []},
    {"points": [{"counts": {"|1,1>": 6}}], "warnings": []},
    {"points": [{"counts": {"|1,1>": -5}}], "warnings": []},
    {"points": [{"counts": {"|1,1>": 5.0}}], "warnings": []},
    {"points": [{"counts": {"\x00": 5}}], "warnings": []},
    {"points": [{"counts": {"|1,1>": 2, "|1>": 3}}], "warnings": []},
    {"points": [{"counts": ["|1,1>"]}], "warnings": []},
    {"points": 7, "warnings": []},
]


@pytest.mark.parametrize("reading", READINGS)
def test_a3_a_reading_that_is_not_the_result_s_is_refused(reading):
    backend = adapter(reading, reply(200, RESULT), reply(200, RECORD))
    with pytest.raises(Unreadable):
        backend.fetch("7")


@pytest.mark.parametrize("duration", [None, "2", -1, True, float("1e300"), [2]])
def test_a7_a_duration_that_cannot_be_read_is_a_fault_and_no_bill_of_zero(duration):
    read = {"points": [{"counts": {"|1,1>": 5}}], "warnings": []}
    with pytest.raises(Unreadable):
        outcome_of(read, RESULT | {"duration": duration}, {}, shots=5)
    assert outcome_of(read, RESULT | {"duration": None}, {"duration": 3}, shots=5).usage.run_ms == 3000


@pytest.mark.parametrize(
    ("status", "usage"),
    [
        ({"status": "completed", "duration": 2, "shots": 5}, (5, 2000)),
        ({"status": "error", "duration": 2, "shots": 5}, (5, 2000)),
        ({"status": "canceled", "duration": 0, "shots": 0}, None),
        ({"status": "completed", "duration": 2, "shots": None}, None),
        ({"status": "completed", "duration": "long", "shots": 5}, None),
        ({"status": "running", "duration": 2, "shots": 5}, None),
    ],
)
def test_a7_the_status_of_an_ended_job_says_what_is_billed(status, usage):
    look = adapter({}, reply(200, status)).poll(["7"])["7"]
    assert (None if look.usage is None else (look.usage.shots, look.usage.run_ms)) == usage


OWN = {"detail": {}, "error": "Not found"}
ABSENT = [
    (reply(404, OWN), UnknownJob),
    (reply(400, {"detail": {}, "error": "Invalid job id: 7"}), UnknownJob),
    (reply(404, {"error": "Not Found"}), Busy),
    (reply(404, {"detail": "Not Found"}), Busy),
    (reply(404, {"message": "no Route matched with those values"}), Busy),
    (reply(404, {"detail": {}, "error": "upstream not found, try later"}), Busy),
    (Reply.of(404, b"<html>not found</html>", None), Busy),
    (reply(503, OWN, "3"), Busy),
]


@pytest.mark.parametrize(("answer", "kind"), ABSENT)
def test_a7_only_the_vendor_s_own_sentence_says_that_a_job_is_gone(answer, kind):
    with pytest.raises(BackendError) as caught:
        adapter({}, answer).fetch("7")
    assert type(caught.value) is kind
    if kind is UnknownJob:
        assert adapter({}, answer).poll(["7"])["7"].phase is Phase.LOST


@pytest.mark.parametrize("job_id", ["", 7, "a b", "x" * 300, "\x00", "a\nb", None])
def test_a3_an_id_that_cannot_be_kept_leaves_the_create_unknown(job_id):
    with pytest.raises(OutcomeUnknown):
        adapter({"experiment": TRUTH, "bits": None}, reply(200, {"job_id": job_id})).submit(programs.order())


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a6_a_create_behind_a_gateway_s_error_stays_unknown_whatever_it_says(status):
    """The published interface has no 503: what answers it stands before the application, or is it half dead."""
    for document in (OWN, {"detail": {}, "error": "Service unavailable"}, {}):
        backend = adapter({"experiment": TRUTH, "bits": None}, reply(status, document, "1"))
        with pytest.raises(OutcomeUnknown):
            backend.submit(programs.order())


@pytest.mark.parametrize(("header", "seconds"), [("0", 1.0), ("-7", 1.0), ("9e9", 3600.0), ("7", 7.0), ("x", 10.0)])
def test_a6_a_throttle_s_patience_has_a_floor_and_a_ceiling(header, seconds):
    backend = adapter({"experiment": TRUTH, "bits": None}, reply(429, OWN, header))
    with pytest.raises(Busy) as caught:
        backend.submit(programs.order())
    assert caught.value.retry_after == seconds
