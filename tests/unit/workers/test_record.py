"""Is what was learned written although the database was away, and never twice?"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from broker.domain.change import Change
from broker.domain.lifecycle import JobEvent, JobState
from workers import record as under_test

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class Stored:
    id: str
    state: JobState


class Database:
    def __init__(self, state):
        self.state = state

    @property
    def jobs(self):
        return self

    def get(self, job_id):
        return Stored(job_id, self.state)

    @contextmanager
    def read(self):
        yield self


def change():
    event = JobEvent(job_id="j", before=JobState.SUBMITTED, after=JobState.RUNNING, at=NOW)
    return Change(job=Stored("j", JobState.RUNNING), moves=(event,))


def recorded(monkeypatch, database, failures, *, clock=lambda: NOW):
    written = []

    def apply(_store, changes, *, at, scene):
        if failures:
            raise failures.pop()
        written.extend(changes)

    monkeypatch.setattr(under_test, "apply", apply)
    monkeypatch.setattr(under_test.time, "sleep", lambda _: None)
    under_test.record(database, [change()], clock=clock, patience=timedelta(seconds=30), scene="settle")
    return written


def away():
    return OperationalError("UPDATE", {}, Exception("gone"))


def test_a_database_that_is_away_is_asked_again(monkeypatch):
    assert len(recorded(monkeypatch, Database(JobState.SUBMITTED), [away(), away()])) == 1


def test_a_commit_whose_answer_was_lost_is_not_written_again(monkeypatch):
    assert recorded(monkeypatch, Database(JobState.RUNNING), [away()]) == []


def test_patience_ends(monkeypatch):
    times = iter([NOW, NOW, NOW + timedelta(seconds=31)])
    with pytest.raises(OperationalError):
        recorded(monkeypatch, Database(JobState.SUBMITTED), [away()], clock=lambda: next(times))
