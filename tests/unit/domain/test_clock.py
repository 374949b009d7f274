"""Does the hub's time never go back, and follow the machines' clocks all the same?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.clock import SECOND, SLEW, Beat, advanced, first

HOUR = 3600 * SECOND
START = Beat(hub=1_700_000_000 * SECOND, uptime=50 * SECOND)


def after(beat, seconds, wall):
    return advanced(beat, uptime=beat.uptime + seconds * SECOND, wall=wall)


def test_a_clock_that_agrees_is_followed_exactly():
    assert after(START, 10, START.hub + 10 * SECOND).hub == START.hub + 10 * SECOND


def test_a11_a_clock_set_back_an_hour_does_not_take_the_hub_back():
    later = after(START, 10, START.hub + 10 * SECOND - HOUR)
    assert later.hub == START.hub + int(10 * SECOND * (1 - SLEW))


def test_a11_a_clock_set_forward_an_hour_ends_no_lease_at_once():
    later = after(START, 10, START.hub + 10 * SECOND + HOUR)
    assert later.hub == START.hub + int(10 * SECOND * (1 + SLEW))


def test_a_difference_of_an_hour_is_gone_after_two():
    beat, passed = START, 0
    for _ in range(2 * 3600):
        passed += SECOND
        beat = after(beat, 1, START.hub + passed - HOUR)
    assert beat.hub == START.hub + passed - HOUR


@given(st.lists(st.tuples(st.integers(-10 * SECOND, 100 * SECOND), st.integers(-2 * HOUR, 2 * HOUR)), max_size=30))
def test_a11_time_never_goes_back_and_never_runs_away(steps):
    beat, uptime = START, START.uptime
    for passed, error in steps:
        uptime += passed
        seen = advanced(beat, uptime=uptime, wall=START.hub + uptime - START.uptime + error)
        real = max(0, uptime - beat.uptime)
        assert beat.hub + int(real * (1 - SLEW)) <= seen.hub <= beat.hub + int(real * (1 + SLEW))
        beat = seen


@given(st.integers(-2 * HOUR, 2 * HOUR), st.integers(0, HOUR))
def test_a11_two_processes_that_see_the_same_step_stay_together(step, apart):
    # One asks often, the other seldom; both began together, and the clock is set between.
    seldom = advanced(START, uptime=START.uptime + apart, wall=START.hub + apart + step)
    often = START
    for part in range(1, 11):
        often = advanced(often, uptime=START.uptime + apart * part // 10, wall=START.hub + apart * part // 10 + step)
    assert abs(seldom.hub - often.hub) <= 20


def test_a11_a_process_that_starts_goes_on_where_the_others_are():
    now = START.uptime + 30 * SECOND
    begun = first(START, 0, uptime=now, wall=START.hub - HOUR)
    assert begun == Beat(hub=START.hub + 30 * SECOND, uptime=now)


def test_a11_after_a_boot_with_a_wrong_clock_time_does_not_begin_before_what_was():
    assert first(None, START.hub, uptime=1, wall=START.hub - HOUR).hub == START.hub
    assert first(None, START.hub, uptime=1, wall=START.hub + HOUR).hub == START.hub + HOUR
