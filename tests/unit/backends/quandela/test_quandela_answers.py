"""Does each answer of Quandela's lead to the right reaction? The sentences are those of its published API."""

from __future__ import annotations

import pytest

from backends.errors import Busy, OutcomeUnknown, Refused, Unauthorized
from backends.exchange import Reply
from backends.quandela.answers import creation_error, reading_error


def reply(status, said=None):
    document = None if said is None else {"detail": {}, "error": said}
    return Reply(status=status, document=document)


REACTIONS = [
    (401, "Invalid or expired job token", Unauthorized, "backend_unauthorized"),
    (401, "Invalid user", Unauthorized, "backend_unauthorized"),
    (401, None, Unauthorized, "backend_unauthorized"),
    (401, "Not enough credits", Refused, "no_credit"),
    (401, "Not enough credits: all remaining credits are reserved by waiting or running jobs", Refused, "no_credit"),
    (401, "Not enough qpu time left", Refused, "no_credit"),
    (403, "Platform qpu:belenos is locked, please upgrade your offer to use it", Refused, "backend_refused"),
    (403, "No permission to use platform qpu:belenos", Refused, "backend_refused"),
    (400, "Cannot create more than 20 jobs", Busy, "backend_busy"),
    (400, "Create job disabled, Platform in maintenance status", Busy, "backend_busy"),
    (400, "Create job disabled, Platform in retired status", Refused, "device_retired"),
    (400, "Create job disabled, Platform in decommissioned status", Refused, "device_retired"),
    (400, "Max shots must less than or equal to 1000", Refused, "limit_exceeded"),
    (400, "Max_duration 99(s) exceeds the platform limit of 60(s)", Refused, "limit_exceeded"),
    (400, "Command 'probs' is not available on platform 'qpu:x'", Refused, "backend_refused"),
    (404, "Platform not found", Refused, "device_retired"),
    (429, "Too many requests", Busy, "backend_busy"),
    (429, None, Busy, "backend_busy"),
    (400, None, OutcomeUnknown, "outcome_unknown"),
    (404, None, OutcomeUnknown, "outcome_unknown"),
    (408, "Request timeout", OutcomeUnknown, "outcome_unknown"),
    (500, "Internal server error", OutcomeUnknown, "outcome_unknown"),
    (502, None, OutcomeUnknown, "outcome_unknown"),
    (503, "Service unavailable", OutcomeUnknown, "outcome_unknown"),
    (302, None, OutcomeUnknown, "outcome_unknown"),
    (200, None, OutcomeUnknown, "outcome_unknown"),
    (200, "no id", OutcomeUnknown, "outcome_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "said", "error", "code"), REACTIONS)
def test_a_create_that_brought_no_id_is_a_reaction(status, said, error, code):
    meant = creation_error(reply(status, said))
    assert (type(meant), meant.code) == (error, code)


def test_a_form_error_is_the_program_s():
    document = {"message": "Validation error", "detail": {"json": {"payload": ["Missing"]}}}
    meant = creation_error(Reply(status=422, document=document))
    assert meant.code == "program_invalid"


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, "Invalid or expired job token", Unauthorized),
        (403, "Permission denied", Refused),
        (429, "Too many requests", Busy),
        (500, "Internal server error", Busy),
        (502, None, Busy),
        (404, None, Busy),
        (200, None, Busy),
    ],
)
def test_a_look_that_failed_may_be_taken_again(status, said, error):
    assert type(reading_error(reply(status, said))) is error
