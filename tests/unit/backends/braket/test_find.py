"""What does finding by token do when the service does not like our filter?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from backends.braket.adapter import BraketBackend
from backends.braket.settings import settings_from
from backends.errors import Busy

NOW = datetime.now(UTC)


def task(name, token, age_days=0):
    return {
        "quantumTaskArn": f"arn:aws:braket:us-east-1:1:quantum-task/{name}",
        "createdAt": NOW - timedelta(days=age_days),
        "tags": {"qsubmit:token": token} if token else {},
    }


TASKS = [task("mine", "qsub-a"), task("old", "qsub-a", 9), task("other", "qsub-b"), task("stranger", "")]


class Pages:
    """A list operation that refuses any filter with ``code``."""

    def __init__(self, code, status):
        self.code, self.status = code, status

    def get_paginator(self, _):
        return self

    def paginate(self, *, filters, maxResults):  # noqa: N803  boto3's own name
        if filters:
            answer = {"Error": {"Code": self.code}, "ResponseMetadata": {"HTTPStatusCode": self.status}}
            raise ClientError(answer, "SearchQuantumTasks")
        return [{"quantumTasks": TASKS}]


def backend(code, status, monkeypatch):
    environ = {"QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9", "QSUBMIT_BRAKET_REGIONS": "us-east-1"}
    made = BraketBackend(settings_from(environ), translate=dict)
    monkeypatch.setattr(made._transport, "braket", lambda region: Pages(code, status))
    return made


def test_a_refused_filter_is_no_empty_list(monkeypatch):
    found = backend("ValidationException", 400, monkeypatch).find("qsub-a")
    assert [each.rsplit("/", 1)[1] for each in found] == ["mine"]


def test_an_answer_that_failed_is_no_empty_list_either(monkeypatch):
    with pytest.raises(Busy):
        backend("InternalServiceException", 500, monkeypatch).find("qsub-a")
