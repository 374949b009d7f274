"""Does the status of an ended task say its bill, and is a result that is no result a fault of that result?"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from backends.base import Phase
from backends.braket.adapter import BraketBackend
from backends.braket.settings import settings_from
from backends.errors import BackendError, Busy, Refused, UnknownJob, Unreadable

ARN = "arn:aws:braket:eu-north-1:1:quantum-task/abc"
TASK = {
    "quantumTaskArn": ARN,
    "status": "COMPLETED",
    "deviceArn": "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet",
    "shots": 10,
    "outputS3Bucket": "bucket",
    "outputS3Directory": "prefix/abc",
    "createdAt": datetime(2026, 1, 1, tzinfo=UTC),
    "tags": {"qsubmit:bits-0": "0"},
}
GATE = {
    "braketSchemaHeader": {"name": "braket.task_result.gate_model_task_result", "version": "1"},
    "measurements": [[0]] * 10,
    "measuredQubits": [0],
    "taskMetadata": {},
    "additionalMetadata": {"action": {"source": "x"}},
}


class Service:
    """Both clients in one: a task, and what is in the bucket."""

    def __init__(self, task, body):
        self.task, self.body, self.asked = task, body, []

    def braket(self, region):
        return self

    def objects(self, region):
        return self

    def get_paginator(self, name):
        return self

    def paginate(self, **_):
        return [{"quantumTasks": [{"quantumTaskArn": ARN, "status": self.task["status"]}]}]

    def get_quantum_task(self, **_):
        return self.task

    def get_object(self, *, Bucket, Key):  # noqa: N803  boto3's own names
        self.asked.append((Bucket, Key))
        if isinstance(self.body, Exception):
            raise self.body
        return {"Body": io.BytesIO(self.body)}

    def close(self):
        return


def backend(body=b"", **changes):
    made = BraketBackend(settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9"}), translate=lambda wish: {})
    made._transport = Service({**TASK, **changes}, body)
    return made


@pytest.mark.parametrize(
    ("task", "usage"),
    [
        ({}, (1, 10)),
        ({"numSuccessfulShots": 9}, (1, 9)),
        ({"associations": [{"arn": "x", "type": "RESERVATION_TIME_WINDOW_ARN"}]}, (0, 0)),
        ({"status": "FAILED", "numSuccessfulShots": 4}, (1, 4)),
        ({"status": "CANCELLED", "numSuccessfulShots": 4}, (1, 4)),
        ({"status": "FAILED"}, None),
        ({"status": "CANCELLED", "numSuccessfulShots": 0}, None),
        ({"status": "RUNNING", "numSuccessfulShots": 4}, None),
    ],
)
def test_a7_the_status_of_an_ended_task_says_its_bill(task, usage):
    look = backend(**task).poll([ARN])[ARN]
    assert (None if look.usage is None else (look.usage.tasks, look.usage.shots)) == usage


def refusal(code, status):
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal("NoSuchKey", 404), UnknownJob),
        (refusal("NoSuchBucket", 404), Busy),
        (refusal("404", 404), Busy),
        (refusal("NotFound", 404), Busy),
        (refusal("NoSuchKey", 502), Busy),
        (refusal("SlowDown", 503), Busy),
    ],
)
def test_a7_a_result_is_gone_only_in_the_service_s_own_word(answer, kind):
    with pytest.raises(BackendError) as caught:
        backend(answer).fetch(ARN)
    assert type(caught.value) is kind
    assert backend(answer).poll([ARN])[ARN].phase is Phase.DONE


BODIES = [
    b"",
    b"\xff",
    b"[]",
    b"[" * 10**5,
    {**GATE, "measurements": [["<script>"]] * 10},
    {**GATE, "measurements": [[0], [0, 1]]},
    {**GATE, "measurements": None, "measurementProbabilities": {"0": "x"}},
    {**GATE, "measurements": None, "measurementProbabilities": {"0": 1e400}},
    {**GATE, "measurements": None, "measurementProbabilities": {"0": -1.0, "1": 2.0}},
    {**GATE, "measurements": 7},
    {**GATE, "measurements": [[0]] * 11},
    {**GATE, "measurements": [[0]] * 10, "measuredQubits": [0, 1]},
    {**GATE, "additionalMetadata": {"action": {"inputs": {"a": "nan"}}}},
    {**GATE, "additionalMetadata": {"simulatorMetadata": {"executionDuration": -5}}},
    {"braketSchemaHeader": {"name": "braket.task_result.program_set_task_result"}, "taskMetadata": "../x"},
]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_a3_a_result_that_is_no_result_is_a_typed_fault(body):
    made = backend(body if isinstance(body, bytes) else json.dumps(body).encode())
    with pytest.raises((Unreadable, Refused)):
        made.fetch(ARN)
    assert made._transport.asked == [("bucket", "prefix/abc/results.json")]


def test_a3_texts_of_a_result_can_be_stored():
    body = {**GATE, "additionalMetadata": {"action": {"source": "a\x00\ud800b"}}}
    got = backend(json.dumps(body).encode()).fetch(ARN)
    assert (got.compiled, dict(got.points[0].counts)) == ("a\u2400\ufffdb", {"0": 10})
    got.raw.encode()
