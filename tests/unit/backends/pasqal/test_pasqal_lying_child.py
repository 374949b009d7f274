"""Whatever a child returns: is the batch on the wire the order's, or is nothing sent?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.child import ChildError, ChildKilled
from backends.environment import Secret
from backends.errors import Refused, Unreadable
from backends.pasqal import retarget
from backends.pasqal.adapter import PasqalBackend
from backends.pasqal.clock import run_ms
from backends.pasqal.fitted import fitted_of
from backends.pasqal.sandbox.simulate import specs
from backends.pasqal.settings import Settings
from backends.pasqal.transport import _is_public_name
from backends.translation import CODE
from tests.support import pasqal_programs as programs
from tests.support.pasqal_orders import a_device, order_for

SPEC = specs({})["FRESNEL"]
PROGRAM = programs.program_of(programs.chain(2))
POINTS = ({"t": 300.0},)
GIVEN = json.loads(PROGRAM.source)
TRUTH = retarget.retarget({"sequence": PROGRAM.source, "spec": SPEC})["sequence"]


class Fitter:
    def __init__(self, answer):
        self.answer = answer
        self.closed = 0

    def call(self, request, **_):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        self.closed += 1


class Cloud:
    """The vendor's client: keeps every draft."""

    def __init__(self):
        self.drafts = []

    def specs(self):
        return {"FRESNEL": SPEC}

    def create(self, draft):
        self.drafts.append(draft)
        return "00000000-0000-4000-8000-000000000001"


def backend(answer):
    made = PasqalBackend(Settings(username="u", password=Secret("p"), project="x"))
    made._cloud, made._fitter = Cloud(), Fitter(answer)
    return made


def test_a_true_sequence_is_sent_on_the_vendor_s_own_specification():
    made = backend({"sequence": TRUTH})
    made.submit(order_for(PROGRAM, device=a_device("FRESNEL"), width=2, points=POINTS, shots=7))
    (draft,) = made.cloud.drafts
    assert draft.device_type == "FRESNEL"
    assert [(job.runs, job.variables) for job in draft.jobs] == [(7, {"t": 300})]
    assert json.loads(draft.sequence)["device"] == json.loads(SPEC)


def changed(**parts):
    return {"sequence": json.dumps({**json.loads(TRUTH), **parts})}


MOVED = json.loads(TRUTH)
LIES = {
    "nothing": {},
    "a number": {"sequence": 7},
    "no JSON": {"sequence": "{"},
    "nesting without end": {"sequence": "[" * 10**5},
    "a list": {"sequence": "[]"},
    "a device type beside it": {"sequence": TRUTH, "device_type": "FRESNEL_CAN1"},
    "runs beside it": {"sequence": TRUTH, "runs": 10**6},
    "more than a sequence": {"sequence": " " * (5 << 20)},
    "an unknown part": changed(job_context={}),
    "another atom": changed(register=[*MOVED["register"], {"name": "q9", "x": 99.0, "y": 0.0}]),
    "an atom elsewhere": changed(register=[{**MOVED["register"][0], "x": 1.0}, *MOVED["register"][1:]]),
    "atoms that are none": changed(register={"q0": 1}),
    "another channel": changed(channels={"a": "raman_local"}),
    "another variable": changed(variables={"t": {"type": "int", "value": [0, 0]}}),
    "another measurement": changed(measurement="digital"),
    "more pulses": changed(operations=MOVED["operations"] * 100),
    "operations that are none": changed(operations=7),
}


@pytest.mark.parametrize("lie", LIES)
def test_a3_a_fitter_that_lies_sends_nothing_and_serves_nobody_again(lie):
    made = backend(LIES[lie])
    with pytest.raises(Refused) as caught:
        made.submit(order_for(PROGRAM, device=a_device("FRESNEL"), width=2, points=POINTS))
    assert caught.value.code in (CODE, "limit_exceeded")
    assert made.cloud.drafts == []
    assert made._fitter.closed or caught.value.code == "limit_exceeded"


def test_a3_the_machine_s_specification_is_the_parent_s_whatever_the_child_says():
    made = fitted_of(changed(device={"name": "FRESNEL", "max_runs": 10**9}), GIVEN, SPEC)
    assert made["device"] == json.loads(SPEC)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (ChildError(kind="Unfit", message="\x00" * 10**5, where={"code": 7}, tail=""), "program_invalid"),
        (ChildKilled("crash"), "limit_exceeded"),
    ],
)
def test_a3_a_fitter_s_failure_is_a_refusal_that_can_be_stored(trouble, code):
    with pytest.raises(Refused) as caught:
        backend(trouble).submit(order_for(PROGRAM, device=a_device("FRESNEL"), width=2, points=POINTS))
    assert caught.value.code == code
    assert "\x00" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(TRUTH),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.dictionaries(st.sampled_from([*MOVED, "runs", "jobs"]), JSON, max_size=3).map(lambda parts: changed(**parts))
ANSWERS = st.dictionaries(st.sampled_from(["sequence", "runs", "device_type"]), JSON, max_size=3) | PARTS


@given(answer=ANSWERS, shots=st.integers(1, 2000))
def test_a3_whatever_a_child_returns_the_batch_bears_the_order_or_nothing(answer, shots):
    made = backend(answer)
    order = order_for(PROGRAM, device=a_device("FRESNEL"), width=2, points=POINTS, shots=shots)
    try:
        made.submit(order)
    except Refused:
        assert made.cloud.drafts == []
        return
    (draft,) = made.cloud.drafts
    assert (draft.device_type, draft.tags[0], draft.open) == ("FRESNEL", order.token, False)
    assert [(job.runs, job.variables, job.sequence) for job in draft.jobs] == [(shots, {"t": 300}, None)]
    sent = json.loads(draft.sequence)
    assert sent["device"] == json.loads(SPEC)
    assert [one["op"] for one in sent["operations"]] == [one["op"] for one in GIVEN["operations"]]


# -------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "localhost", "metadata", "[::1]", "10.0.0.1", "x.internal", "pod.local", ""]
)
def test_a3_a_result_s_address_inside_our_own_network_is_not_asked(host):
    assert not _is_public_name(host)
    assert _is_public_name("s3.fr-par.scw.cloud")


@pytest.mark.parametrize("times", [(None, None), ("", ""), ("x", "2026-01-01"), ("2026-01-02", "2026-01-01"), (7, 8)])
def test_a7_a_duration_that_cannot_be_read_is_a_fault_and_no_zero(times):
    with pytest.raises(Unreadable):
        run_ms(*times)
