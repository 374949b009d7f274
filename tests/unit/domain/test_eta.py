"""Are waits, openings and looks what history, windows and age say?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.device import Window
from broker.domain.eta import after_open, forecast, next_open, next_poll, quantile
from tests.support import values
from tests.support.routing_world import WORLD

GARNET = next(device for device in WORLD.devices if device.name == "braket/garnet")
IDLE = replace(GARNET, queue_depth=None, typical_run_ms=4_000, concurrency=2)

WORKDAYS = (Window(days=frozenset(range(1, 6)), start=time(8), end=time(18)),)
NIGHTS = (Window(days=frozenset({5}), start=time(22), end=time(2)),)
FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_without_history_the_device_speaks():
    guess = forecast((), (), device=replace(IDLE, queue_depth=3), ahead=2)
    assert guess.history == 0
    assert guess.run_s == 4.0
    assert guess.wait_s == 5 * 4.0
    assert guess.wait_p90_s == pytest.approx(3.3 * 20.0)


def test_an_idle_device_without_history_starts_at_once():
    assert forecast((), (), device=IDLE, ahead=0).wait_s == 0.0


def test_much_history_outweighs_the_device():
    seen = forecast([100.0] * 95, [10.0] * 95, device=IDLE, ahead=0)
    assert seen.history == 95
    assert seen.wait_s == pytest.approx(95.0)
    assert seen.run_s == pytest.approx(9.7)


def test_five_jobs_weigh_as_much_as_the_prior():
    seen = forecast([100.0] * 5, [8.0] * 5, device=IDLE, ahead=0)
    assert seen.wait_s == pytest.approx(50.0)
    assert seen.run_s == pytest.approx(6.0)


def test_our_own_jobs_ahead_are_waited_for_whatever_history_says():
    seen = forecast([0.0] * 1000, [10.0] * 1000, device=IDLE, ahead=20)
    assert seen.wait_s >= 20 * 9.9 / 2


@given(st.lists(values.seconds, max_size=30), st.lists(values.seconds, max_size=30), values.devices, st.integers(0, 50))
def test_a_forecast_is_never_negative_and_p90_never_below_the_expectation(waits, runs, device, ahead):
    guess = forecast(waits, runs, device=device, ahead=ahead)
    assert 0 <= guess.wait_s <= guess.wait_p90_s
    assert guess.run_s >= 0


def test_quantiles_lie_between_neighbours():
    assert quantile([], 0.5) == 0.0
    assert quantile([7.0], 0.9) == 7.0
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert quantile(list(range(101)), 0.9) == 90.0


OPENINGS = [
    ("a device without windows is open", (), FRIDAY_NOON, FRIDAY_NOON),
    ("open now", WORKDAYS, FRIDAY_NOON, FRIDAY_NOON),
    ("before the opening", WORKDAYS, datetime(2026, 11, 20, 7, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),
    (
        "at the closing it is closed",
        WORKDAYS,
        datetime(2026, 11, 20, 18, tzinfo=UTC),
        datetime(2026, 11, 23, 8, tzinfo=UTC),
    ),
    ("over the weekend", WORKDAYS, datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
    ("past midnight", NIGHTS, datetime(2026, 11, 21, 1, tzinfo=UTC), datetime(2026, 11, 21, 1, tzinfo=UTC)),
    ("after the night", NIGHTS, datetime(2026, 11, 21, 3, tzinfo=UTC), datetime(2026, 11, 27, 22, tzinfo=UTC)),
    (
        "a window without days says nothing",
        (Window(days=frozenset(), start=time(8), end=time(9)),),
        FRIDAY_NOON,
        FRIDAY_NOON,
    ),
]


@pytest.mark.parametrize(("windows", "at", "opens"), [row[1:] for row in OPENINGS], ids=[row[0] for row in OPENINGS])
def test_next_open(windows, at, opens):
    assert next_open(windows, at) == opens


def test_a_wait_goes_on_in_the_next_window():
    at = datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert after_open(WORKDAYS, at, 1800) == 1800
    assert at + timedelta(seconds=after_open(WORKDAYS, at, 7200)) == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_week_of_open_time_takes_a_week():
    assert after_open(WORKDAYS, FRIDAY_NOON, 5 * 10 * 3600 * 3) == 3 * 7 * 86_400


def test_windows_are_utc_whatever_the_clock_says():
    seoul = FRIDAY_NOON.astimezone(values.timezone(timedelta(hours=9)))
    assert after_open(WORKDAYS, seoul, 0) == 0


@given(st.lists(values.windows, max_size=4).map(tuple), values.moments, st.floats(0, 1e8), st.floats(0, 1e8))
def test_more_waiting_is_never_over_sooner_and_closed_hours_only_add(windows, at, one, other):
    less, more = sorted((one, other))
    assert less - 1e-3 <= after_open(windows, at, less) <= after_open(windows, at, more) + 1e-3


@pytest.mark.parametrize(
    ("age", "position", "floor", "wait"),
    [
        (0, None, 1, 1),
        (60, None, 1, 6),
        (600, None, 1, 60),
        (86_400, None, 1, 600),
        (86_400, 3, 1, 10),
        (86_400, 4, 1, 600),
        (0, 1, 30, 30),
        (0, None, 30, 30),
        (86_400, None, 900, 900),
    ],
)
def test_next_poll(age, position, floor, wait):
    assert next_poll(timedelta(seconds=age), position, timedelta(seconds=floor)) == timedelta(seconds=wait)
