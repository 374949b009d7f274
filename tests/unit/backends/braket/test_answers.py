"""Is each error of boto3 named for the right reaction?"""

from __future__ import annotations

import ssl

import pytest
from botocore import exceptions as boto
from urllib3.exceptions import SSLError

from backends.braket.answers import creation_error, is_conflict, reading_error
from backends.errors import Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob

SPENDING = "ServiceQuotaExceededException"


def answer(code, status, message="said", **headers):
    body = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return boto.ClientError(body, "CreateQuantumTask")


CREATES = [
    (answer("ThrottlingException", 429, **{"retry-after": "7"}), Busy),
    (answer("ServiceUnavailableException", 503), Busy),
    (answer("503", 503), OutcomeUnknown),
    (answer("429", 429), OutcomeUnknown),
    (answer("InternalServiceException", 500), OutcomeUnknown),
    (answer("502", 502), OutcomeUnknown),
    (answer("400", 400), OutcomeUnknown),
    (answer("ConflictException", 409), OutcomeUnknown),
    (answer("ValidationException", 400), Refused),
    (answer("ResourceNotFoundException", 404), Refused),
    (answer("AccessDeniedException", 403), Unauthorized),
    (answer("ExpiredTokenException", 403), Unauthorized),
    (answer("DeviceOfflineException", 424), Busy),
    (answer("DeviceRetiredException", 410), Refused),
    (answer(SPENDING, 402, "The spending limit would be exceeded"), Refused),
    (answer(SPENDING, 402, "too many tasks wait"), Busy),
    (boto.EndpointConnectionError(endpoint_url="http://x"), Busy),
    (boto.ConnectTimeoutError(endpoint_url="http://x"), Busy),
    (boto.SSLError(endpoint_url="http://x", error=SSLError(ssl.SSLCertVerificationError(1, "expired"))), Busy),
    (boto.SSLError(endpoint_url="http://x", error=SSLError(ssl.SSLError(1, "bad record mac"))), OutcomeUnknown),
    (boto.ReadTimeoutError(endpoint_url="http://x"), OutcomeUnknown),
    (boto.ConnectionClosedError(endpoint_url="http://x"), OutcomeUnknown),
    (boto.NoCredentialsError(), Unauthorized),
    (boto.ParamValidationError(report="x"), Refused),
    (ValueError("who knows"), OutcomeUnknown),
]


@pytest.mark.parametrize(("error", "reaction"), CREATES, ids=lambda value: getattr(value, "__name__", str(value)[:60]))
def test_a_failed_create_is_certain_only_of_what_braket_said(error, reaction):
    assert type(creation_error(error, spending_error=SPENDING)) is reaction


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("DeviceRetiredException", 410, "device_retired"),
        ("ValidationException", 400, "program_invalid"),
        ("ResourceNotFoundException", 404, "backend_refused"),
    ],
)
def test_a_refusal_says_its_kind(code, status, ours):
    assert creation_error(answer(code, status), spending_error=SPENDING).code == ours


def test_a_throttle_carries_its_wait():
    error = creation_error(answer("ThrottlingException", 429, **{"retry-after": "7"}), spending_error=SPENDING)
    assert error.retry_after == 7


def test_a_failed_look_may_be_repeated_unless_it_never_can_succeed():
    assert isinstance(reading_error(answer("InternalServiceException", 500)), Busy)
    assert isinstance(reading_error(boto.ReadTimeoutError(endpoint_url="x")), Busy)
    assert isinstance(reading_error(answer("ResourceNotFoundException", 404)), UnknownJob)
    assert isinstance(reading_error(answer("NoSuchKey", 404)), UnknownJob)
    assert isinstance(reading_error(answer("AccessDeniedException", 403)), Unauthorized)


def test_only_a_conflict_is_a_conflict():
    assert is_conflict(answer("ConflictException", 409))
    assert not is_conflict(answer("ValidationException", 400))
    assert not is_conflict(OSError())
