"""When does a breaker open, and what closes it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from broker.domain.breaker import DEVICE_TRIPS, FIRST, LONGEST, Breaker, failed, probing, succeeded

NOW = datetime(2026, 11, 27, tzinfo=UTC)
CLOSED = Breaker(scope="quandela/qpu")


def broken(before=CLOSED, times=DEVICE_TRIPS, at=NOW):
    for _ in range(times):
        before = failed(before, "503", at=at, trips_at=DEVICE_TRIPS)
    return before


def test_a6_it_opens_at_the_third_failure_in_a_row():
    assert broken(times=2).room(5, NOW) == 5
    assert broken().room(5, NOW) == 0
    assert broken(succeeded(broken(times=2)), times=2).room(5, NOW) == 5


def test_a6_half_open_it_lets_one_through_and_then_nobody_until_the_answer():
    opened = broken()
    later = opened.open_until
    assert opened.room(5, later) == 1
    asked = probing(opened, at=later, answer=timedelta(seconds=90))
    assert asked.room(5, later + timedelta(seconds=89)) == 0
    assert asked.room(5, later + timedelta(seconds=90)) == 1


def test_a6_each_probe_that_fails_makes_the_pause_longer_up_to_an_hour():
    breaker, at, pauses = broken(), NOW, []
    for _ in range(12):
        at = breaker.open_until
        breaker = failed(breaker, "503", at=at, trips_at=DEVICE_TRIPS)
        pauses.append(breaker.open_until - at)
    assert pauses[0] > FIRST
    assert pauses[:6] == sorted(pauses[:6])
    assert LONGEST <= max(pauses) <= LONGEST * 1.25


def test_a6_a_probe_that_fails_while_it_is_awaited_counts():
    opened = broken()
    at = opened.open_until
    asked = probing(opened, at=at, answer=timedelta(seconds=90))
    again = failed(asked, "503", at=at + timedelta(seconds=5), trips_at=DEVICE_TRIPS)
    assert again.trips == opened.trips + 1


def test_a6_a_success_forgets_everything():
    assert succeeded(broken()) == CLOSED
