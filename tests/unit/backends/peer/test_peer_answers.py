"""Does every answer of a peer ask for the right reaction?"""

from __future__ import annotations

import pytest

from backends.errors import Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob
from backends.exchange import Reply
from backends.peer.answers import creation_error, reading_error
from tests.support.peer_wire import problem, reply

DEVICE = "local/aer"
PAGE = Reply(status=502, text="<html>", document=None)


def refusal(rule, reason="says no"):
    return problem(409, "no_device", refusals=[{"device": DEVICE, "rule": rule, "reason": reason}])


CREATES = {
    "a key that is unknown": (problem(401, "unauthenticated"), Unauthorized, None),
    "a key without the scope": (problem(403, "forbidden"), Unauthorized, None),
    "no agreement": (problem(403, "access_refused"), Refused, "backend_refused"),
    "no money": (problem(402, "budget_exceeded"), Refused, "no_credit"),
    "another body under the token": (problem(422, "idempotency_mismatch"), Refused, "backend_refused"),
    "a program that is wrong": (problem(422, "program_undefined", line=3, column=1), Refused, "program_invalid"),
    "a body that is too large": (problem(413, "too_large"), Refused, "limit_exceeded"),
    "a device that is gone": (refusal("unknown"), Refused, "device_retired"),
    "a retired device": (refusal("status", "is retired"), Refused, "device_retired"),
    "too many qubits": (refusal("width"), Refused, "limit_exceeded"),
    "no mid-circuit measurement": (refusal("dynamic"), Refused, "program_invalid"),
    "a device that is off": (refusal("status", "is offline"), Busy, None),
    "a paused device": (refusal("paused"), Busy, None),
    "too fast": (problem(429, "rate_limited", retry_after="7"), Busy, None),
    "not yet": (problem(503, "not_ready", retry_after="7"), Busy, None),
    "the same token in flight": (problem(409, "idempotency_in_flight"), OutcomeUnknown, None),
    "an internal error": (problem(500, "internal"), OutcomeUnknown, None),
    "a proxy's page": (PAGE, OutcomeUnknown, None),
    "a proxy's refusal": (Reply(status=403, text="no", document=None), OutcomeUnknown, None),
    "a proxy's throttle": (reply(429, {"message": "slow down"}), OutcomeUnknown, None),
}


@pytest.mark.parametrize("name", CREATES)
def test_a_create_that_brings_no_job_asks_for_its_reaction(name):
    answer, kind, code = CREATES[name]
    error = creation_error(answer, DEVICE)
    assert type(error) is kind
    assert code is None or error.code == code


def test_a_faulty_program_keeps_its_place():
    error = creation_error(problem(422, "program_undefined", line=3, column=7), DEVICE)
    assert (error.line, error.column) == (3, 7)


READS = {
    "unknown job": (problem(404, "not_found", detail="there is no job 7"), UnknownJob),
    "a route that a hub does not have": (problem(404, "not_found"), Busy),
    "no result yet": (problem(409, "not_ready"), Busy),
    "ended": (problem(409, "not_cancellable"), Refused),
    "key": (problem(401, "unauthenticated"), Unauthorized),
    "throttle": (problem(429, "rate_limited"), Busy),
    "internal": (problem(500, "internal"), Busy),
    "proxy": (PAGE, Busy),
    "a proxy's 404": (Reply(status=404, text="nope", document=None), Busy),
}


@pytest.mark.parametrize("name", READS)
def test_a_look_that_fails_may_be_taken_again_unless_the_peer_says_why_not(name):
    answer, kind = READS[name]
    assert type(reading_error(answer)) is kind
