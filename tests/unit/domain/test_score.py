"""Does the score rank as its presets are named?"""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from broker.domain.money import MICRO, Money
from broker.domain.policy import Preference
from broker.domain.score import HALF_COST, score

finishes = st.floats(0, 1e6)
won = st.integers(0, 10**6)
chances = st.floats(0, 1)


def scored(prefer, finish_s=0.0, cost=0, success=1.0):
    return score(prefer, finish_s=finish_s, cost=Money(currency="KRW", micros=cost * MICRO), success=success)


@given(st.sampled_from(Preference), finishes, finishes, won, chances)
def test_later_is_never_better(prefer, one, other, cost, success):
    early, late = sorted((one, other))
    assert scored(prefer, early, cost, success) <= scored(prefer, late, cost, success)


@given(st.sampled_from(Preference), finishes, won, won, chances)
def test_dearer_is_never_better(prefer, finish, one, other, success):
    cheap, dear = sorted((one, other))
    assert scored(prefer, finish, cheap, success) <= scored(prefer, finish, dear, success)


@given(st.sampled_from(Preference), finishes, won, chances, chances)
def test_poorer_is_never_better(prefer, finish, cost, one, other):
    poor, fine = sorted((one, other))
    assert scored(prefer, finish, cost, fine) <= scored(prefer, finish, cost, poor)


@given(finishes, finishes, won, won, chances, chances)
def test_fastest_looks_at_time_before_all_else(fast, slow, cost, other_cost, success, other_success):
    assume(slow / (slow + 3600) - fast / (fast + 3600) > 0.0021)
    quick = scored(Preference.FASTEST, fast, cost, success)
    assert quick < scored(Preference.FASTEST, slow, other_cost, other_success)


def test_one_hour_half_a_cost_and_an_error_of_one_are_the_units():
    assert scored(Preference.FASTEST, finish_s=3600) == 0.5
    assert scored(Preference.CHEAPEST, cost=10_000) == 0.5
    assert scored(Preference.BEST, success=0.0) == 1.0
    assert scored(Preference.BALANCED, finish_s=3600, cost=10_000, success=0.5) == 0.5 + 4 * 0.5 + 0.5


def test_a_hub_in_another_currency_has_its_own_half_cost():
    for currency, half in HALF_COST.items():
        at_half = score(Preference.CHEAPEST, finish_s=0, cost=Money(currency=currency, micros=half), success=1.0)
        assert at_half == 0.5
