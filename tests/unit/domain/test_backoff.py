"""Is every wait long enough, bounded, and the same for the same attempt?"""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.backoff import FLOOR, LONGEST, LONGEST_ASKED, asked_within, backoff

seconds = st.floats(allow_nan=True, allow_infinity=True)


@given(tries=st.integers(-5, 10**6), asked=seconds, seed=st.text())
def test_a6_no_wait_is_short_or_endless(tries, asked, seed):
    wait = backoff(tries, seed=seed, asked_s=asked)
    assert FLOOR <= wait <= max(LONGEST, LONGEST_ASKED) * 1.25
    assert wait >= asked_within(asked)
    assert wait == backoff(tries, seed=seed, asked_s=asked)


def test_a6_zero_is_asked_less_and_less_often():
    waits = [backoff(tries, seed="a", asked_s=0) for tries in range(1, 30)]
    assert waits[:9] == sorted(waits[:9])
    assert sum(waits[:20], timedelta()) > timedelta(minutes=45)


def test_a6_who_failed_together_does_not_come_back_together():
    assert len({backoff(4, seed=str(number)) for number in range(50)}) == 50


@pytest.mark.parametrize(("asked", "wait"), [(math.nan, 0), (-5, 0), (1e12, 3600), (math.inf, 3600), (-math.inf, 0)])
def test_a6_a_wish_from_outside_is_bounded(asked, wait):
    assert asked_within(asked) == timedelta(seconds=wait)
