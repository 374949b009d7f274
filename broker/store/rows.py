"""How do rows become values and back? One pair of functions per thing; nothing else knows the column names."""

from __future__ import annotations

import json
import logging
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.domain.attempt import Attempt, AttemptEnd
from broker.domain.job import Job
from broker.domain.lifecycle import JobState
from broker.domain.money import Money
from broker.domain.price import Usage
from broker.domain.text import name, storable
from broker.store.faults import OF_ONE_ROW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import RowMapping

log = logging.getLogger("qsubmit.rows")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_USUAL = ("tasks", "shots", "run_ms")
_USAGE = tuple(field.name for field in fields(Usage) if field.name != "billed")
MOST, MOST_BIG = (1 << 31) - 1, (1 << 63) - 1


def micros(at: datetime) -> int:
    """Unix microseconds of an aware time, exactly."""
    return (at - EPOCH) // MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """The same for a time that may be missing."""
    return None if at is None else micros(at)


def moment(value: int) -> datetime:
    """The aware time of Unix microseconds, exactly."""
    return EPOCH + timedelta(microseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    """The same for a time that may be missing."""
    return None if value is None else moment(value)


def compact(value: object) -> str:
    """JSON text without spaces, storable."""
    return storable(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def small(value: int | None) -> int | None:
    """A number from outside as an Integer column takes it: PostgreSQL refuses more than 31 bits."""
    return None if value is None else max(-MOST, min(value, MOST))


def moving_columns(job: Job) -> dict[str, Any]:
    """The columns that a driver of the job changes; the cancel flag is its owner's and is never overwritten."""
    return {
        "state": job.state.value,
        "device": job.device,
        "backend": job.backend,
        "quoted": job.quoted.micros,
        "held": job.held.micros,
        "charged": None if job.charged is None else job.charged.micros,
        "price_id": job.price,
        "rate_id": job.rate,
        "decision_id": job.decision,
        "sandbox": job.sandbox,
        "updated_at": micros(job.updated_at),
        "due_at": micros_or_none(job.due_at),
        "lease_owner": job.lease_owner,
        "lease_until": micros_or_none(job.lease_until),
        "fence": job.fence,
        "attempt": job.attempt,
        "remote_id": job.remote_id,
        "error_code": None if job.error_code is None else name(job.error_code),
        "error": job.error,
        "run_ms": None if job.run_ms is None else min(job.run_ms, MOST_BIG),
        "host": job.host,
    }


def job_row(job: Job) -> dict[str, Any]:
    """Every column of a new job."""
    return moving_columns(job) | {
        "id": job.id,
        "hub_id": job.hub,
        "organisation_id": job.organisation,
        "project_id": job.project,
        "member_id": job.member,
        "name": job.name,
        "tags": compact(job.tags),
        "program": job.program,
        "shots": job.shots,
        "points": compact(job.points),
        "seed": job.seed,
        "options": compact(job.options),
        "currency": job.held.currency,
        "budgets": compact(job.budgets),
        "idempotency_key": job.idempotency_key,
        "fingerprint": job.fingerprint,
        "created_at": micros(job.created_at),
        "deadline": micros_or_none(job.deadline),
        "trace": job.trace,
        "cancel_requested": job.cancel_requested,
        "turn_micros": job.turn,
    }


# Over 40 lines: one field per line, and a split would hide one.
def job_of(row: RowMapping | Mapping[str, Any]) -> Job:
    """A job from its row."""
    currency = row["currency"]
    return Job(
        id=row["id"],
        hub=row["hub_id"],
        organisation=row["organisation_id"],
        project=row["project_id"],
        member=row["member_id"],
        name=row["name"],
        tags=tuple(json.loads(row["tags"])),
        state=JobState(row["state"]),
        device=row["device"],
        backend=row["backend"],
        program=row["program"],
        shots=row["shots"],
        points=tuple(json.loads(row["points"])),
        seed=row["seed"],
        options=json.loads(row["options"]),
        quoted=Money(currency=currency, micros=row["quoted"]),
        held=Money(currency=currency, micros=row["held"]),
        charged=None if row["charged"] is None else Money(currency=currency, micros=row["charged"]),
        price=row["price_id"],
        rate=row["rate_id"],
        decision=row["decision_id"],
        budgets=tuple(json.loads(row["budgets"])),
        sandbox=bool(row["sandbox"]),
        idempotency_key=row["idempotency_key"],
        fingerprint=row["fingerprint"],
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        deadline=moment_or_none(row["deadline"]),
        due_at=moment_or_none(row["due_at"]),
        lease_owner=row["lease_owner"],
        lease_until=moment_or_none(row["lease_until"]),
        fence=row["fence"],
        attempt=row["attempt"],
        remote_id=row["remote_id"],
        cancel_requested=bool(row["cancel_requested"]),
        error_code=row["error_code"],
        error=row["error"],
        run_ms=row["run_ms"],
        trace=row["trace"],
        turn=row["turn_micros"],
        host=row["host"],
    )


def jobs_of(rows: Iterable[RowMapping | Mapping[str, Any]]) -> list[Job]:
    """The jobs of many rows, without those that cannot be read: one spoiled row hides no other."""
    found = []
    for row in rows:
        try:
            found.append(job_of(row))
        except OF_ONE_ROW:
            log.exception("the row of a job cannot be read", extra={"job": row["id"]})
    return found


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    """Every column of an attempt."""
    return {
        "id": attempt.id,
        "job_id": attempt.job,
        "number": attempt.number,
        "device": attempt.device,
        "backend": attempt.backend,
        "token": attempt.token,
        "intent_at": micros(attempt.intent_at),
        "fence": attempt.fence,
        "remote_id": attempt.remote_id,
        "word": None if attempt.word is None else name(attempt.word),
        "queue_position": small(attempt.queue_position),
        "ended": None if attempt.end is None else attempt.end.value,
        "detail": attempt.detail,
        "absences": attempt.absences,
        "absent_at": micros_or_none(attempt.absent_at),
        "unwanted_at": micros_or_none(attempt.unwanted_at),
        "usage": usage_text(attempt.usage),
        "host": attempt.host,
    }


def usage_text(usage: Usage | None) -> str | None:
    """Consumption as it is stored: the three usual figures, and whatever else there is."""
    if usage is None:
        return None
    body = {name: getattr(usage, name) for name in _USAGE}
    if usage.billed is not None:
        body["billed"] = [usage.billed.currency, usage.billed.micros]
    return compact({name: value for name, value in body.items() if value or name in _USUAL})


def usage_of(text: str | None) -> Usage | None:
    """Consumption from its stored text."""
    if text is None:
        return None
    body = json.loads(text)
    if "billed" in body:
        currency, amount = body["billed"]
        body["billed"] = Money(currency=currency, micros=amount)
    return Usage(**body)


def attempt_of(row: RowMapping | Mapping[str, Any]) -> Attempt:
    """An attempt from its row."""
    return Attempt(
        id=row["id"],
        job=row["job_id"],
        number=row["number"],
        device=row["device"],
        backend=row["backend"],
        token=row["token"],
        intent_at=moment(row["intent_at"]),
        fence=row["fence"],
        remote_id=row["remote_id"],
        word=row["word"],
        queue_position=row["queue_position"],
        end=None if row["ended"] is None else AttemptEnd(row["ended"]),
        detail=row["detail"],
        absences=row["absences"],
        absent_at=moment_or_none(row["absent_at"]),
        unwanted_at=moment_or_none(row["unwanted_at"]),
        usage=usage_of(row["usage"]),
        host=row["host"],
    )
