"""What does a job look like in a test? A builder with every field set, of which a test names the few it is about."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from broker.domain.job import Job
from broker.domain.lifecycle import JobState
from broker.domain.money import Money

_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
_KNOWN: dict[str, Any] = {
    "id": "job-1", "hub": "daejeon", "organisation": "org-1", "project": "project-1", "member": "member-1",
    "name": "bell", "tags": (), "state": JobState.QUEUED, "device": "braket/garnet", "backend": "braket",
    "program": "0" * 64, "shots": 1000, "points": (), "options": {}, "quoted": Money(currency="KRW", micros=0),
    "held": Money(currency="KRW", micros=0), "price": "price-1", "decision": "decision-1", "budgets": (),
    "sandbox": True, "fingerprint": "0" * 64, "created_at": _AT, "updated_at": _AT, "due_at": _AT, "fence": 0,
    "attempt": 0, "cancel_requested": False, "turn": 0,
}  # fmt: skip


def job(**values: Any) -> Job:
    missing = {field.name: None for field in fields(Job) if field.name not in _KNOWN}
    return replace(Job(**(missing | _KNOWN)), **values)
