"""Does each answer of the vendor lead to the right reaction?"""

from __future__ import annotations

import pytest

from backends.errors import Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob
from backends.exchange import Reply
from backends.pasqal.answers import creation_error, login_error, reading_error


def jsend(code, description=None, message="what happened"):
    data = None if description is None else {"description": description}
    return {"status": "fail", "message": message, "code": str(code), "data": data}


def answer(status, *, body=None, retry_after=None):
    return Reply(status=status, document=body, retry_after=retry_after)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, body=jsend(401)), Unauthorized),
        (answer(401), Unauthorized),
        (answer(403, body=jsend(403, "not your project")), Unauthorized),
        (answer(403), OutcomeUnknown),
        (answer(400, body=jsend(400)), Refused),
        (answer(402, body=jsend(402)), Refused),
        (answer(404, body=jsend(404, "Device type X not found")), Refused),
        (answer(422, body=jsend(422)), Refused),
        (answer(422), OutcomeUnknown),
        (answer(408, body=jsend(408)), OutcomeUnknown),
        (answer(425, body=jsend(425)), Busy),
        (answer(429, body=jsend(429)), Busy),
        (answer(429), OutcomeUnknown),
        (answer(500, body=jsend(500)), OutcomeUnknown),
        (answer(502), OutcomeUnknown),
        (answer(503, body=jsend(503)), OutcomeUnknown),
        (answer(200), OutcomeUnknown),
        (answer(200, body={"status": "success", "code": 200}), OutcomeUnknown),
        (answer(302), OutcomeUnknown),
    ],
)
def test_a_create_is_certain_only_of_a_refusal_in_the_vendors_own_form(given, kind):
    assert type(creation_error(given)) is kind


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, body=jsend(401)), Unauthorized),
        (answer(404, body=jsend(404)), UnknownJob),
        (answer(404), Busy),
        (answer(400, body=jsend(400)), Refused),
        (answer(429, body=jsend(429)), Busy),
        (answer(500, body=jsend(500)), Busy),
        (answer(502), Busy),
        (answer(200), Busy),
    ],
)
def test_a_look_may_be_taken_again(given, kind):
    assert type(reading_error(given)) is kind


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (402, "payment required", "no_credit"),
        (403, "Insufficient credit for this batch", "no_credit"),
        (422, "not enough credits", "no_credit"),
        (422, "Device FRESNEL has been retired", "device_retired"),
        (422, "runs exceed the maximum of 2000", "limit_exceeded"),
        (422, "something else", "program_invalid"),
        (409, "something else", "backend_refused"),
    ],
)
def test_a_refusal_says_what_for(status, said, code):
    error = creation_error(answer(status, body=jsend(status, said)))
    assert isinstance(error, Refused)
    assert error.code == code
    assert said.lower() in str(error).lower()


def test_a_refusal_points_to_the_place():
    details = [{"loc": ["jobs", 3, "runs"], "msg": "must be positive", "type": "value_error"}]
    error = creation_error(answer(422, body=jsend(422, details)))
    assert error.pointer == "/jobs/3/runs"
    assert "must be positive" in str(error)


def test_a_throttle_says_how_long():
    assert creation_error(answer(429, body=jsend(429), retry_after="7")).retry_after == 7.0


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(403, body={"error": "invalid_grant", "error_description": "Wrong email or password."}), Unauthorized),
        (answer(400, body={"error": "invalid_request"}), Unauthorized),
        (answer(429), Busy),
        (answer(503), Busy),
    ],
)
def test_a_refused_login_sent_nothing_else(given, kind):
    assert type(login_error(given)) is kind


@pytest.mark.parametrize("body", [{"code": []}, {"data": 3}, {"data": {"description": 7}}, {"message": {"a": 1}}])
def test_odd_bodies_do_no_harm(body):
    assert creation_error(answer(422, body=body))
    assert reading_error(answer(422, body={**body, "status": "fail", "code": 1}))
