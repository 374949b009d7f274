"""Does every value come back from its row as it was?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.attempt import Attempt, AttemptEnd
from broker.domain.job import Job
from broker.domain.lifecycle import JobState
from broker.domain.money import Money
from broker.store.requirement_text import dump_requirement, load_requirement
from broker.store.rows import attempt_of, attempt_row, job_of, job_row, micros, moment, moving_columns
from tests.support.values import maybe, moments, requirements

words = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
amounts = st.integers(0, 2**62)
small = st.integers(0, 2**31 - 1)
won = amounts.map(lambda value: Money(currency="KRW", micros=value))
points = st.lists(st.dictionaries(words, st.floats(allow_nan=False, allow_infinity=False), max_size=2), max_size=2)
jobs = st.builds(
    Job,
    id=words,
    hub=words,
    organisation=words,
    project=words,
    member=words,
    name=words,
    tags=st.lists(words, max_size=3).map(tuple),
    state=st.sampled_from(JobState),
    device=words,
    backend=words,
    program=words,
    shots=small,
    points=points.map(tuple),
    seed=maybe(small),
    options=st.dictionaries(words, words, max_size=2),
    quoted=won,
    held=won,
    charged=maybe(won),
    price=words,
    rate=maybe(words),
    decision=words,
    budgets=st.lists(words, max_size=4).map(tuple),
    sandbox=st.booleans(),
    idempotency_key=maybe(words),
    fingerprint=words,
    created_at=moments,
    updated_at=moments,
    deadline=maybe(moments),
    due_at=maybe(moments),
    lease_owner=maybe(words),
    lease_until=maybe(moments),
    fence=small,
    attempt=small,
    remote_id=maybe(words),
    cancel_requested=st.booleans(),
    error_code=maybe(words),
    error=maybe(words),
    run_ms=maybe(small),
    trace=maybe(words),
)
attempts = st.builds(
    Attempt,
    id=words,
    job=words,
    number=small,
    device=words,
    backend=words,
    token=words,
    intent_at=moments,
    fence=small,
    remote_id=maybe(words),
    word=maybe(words),
    queue_position=maybe(small),
    end=maybe(st.sampled_from(AttemptEnd)),
    detail=words,
    absences=small,
    absent_at=maybe(moments),
)


@settings(max_examples=60, deadline=None)
@given(jobs)
def test_a_job_survives_its_row(job):
    assert job_of(job_row(job)) == job


@settings(max_examples=60, deadline=None)
@given(attempts)
def test_an_attempt_survives_its_row(attempt):
    assert attempt_of(attempt_row(attempt)) == attempt


@settings(max_examples=60, deadline=None)
@given(requirements)
def test_a_requirement_survives_its_text(need):
    assert load_requirement(json.loads(json.dumps(dump_requirement(need)))) == need


@given(st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001  drawn
def test_times_keep_their_microseconds(at):
    assert moment(micros(at)) == at


def test_a_time_of_another_zone_is_the_same_moment():
    seoul = datetime(2026, 11, 20, 18, tzinfo=timezone(timedelta(hours=9)))
    assert moment(micros(seoul)) == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_a_driver_never_writes_the_cancel_flag_or_what_the_user_asked():
    untouched = {
        "cancel_requested",
        "name",
        "tags",
        "shots",
        "points",
        "seed",
        "options",
        "program",
        "idempotency_key",
        "fingerprint",
        "created_at",
        "deadline",
        "project_id",
        "organisation_id",
        "member_id",
        "budgets",
    }
    from tests.support.jobs import job

    assert untouched & moving_columns(job()).keys() == set()
    assert untouched <= job_row(job()).keys()
