"""Does one worker at a time run a maintenance loop?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
LENGTH = timedelta(seconds=30)


def take(store, owner, at=NOW, name="sweep"):
    with store.write() as work:
        return work.leases.take(name, owner, at, LENGTH)


def test_a_free_lease_is_taken_with_the_first_fence(store):
    assert take(store, "a") == 1


def test_a_held_lease_is_refused(store):
    take(store, "a")
    assert take(store, "b", NOW + LENGTH - timedelta(microseconds=1)) is None


def test_an_expired_lease_is_taken_with_a_larger_fence(store):
    take(store, "a")
    assert take(store, "b", NOW + LENGTH) == 2


def test_the_owner_renews_with_a_larger_fence(store):
    take(store, "a")
    assert take(store, "a") == 2


def test_leases_do_not_touch_each_other(store):
    take(store, "a", name="sweep")
    assert take(store, "b", name="catalogue") == 1


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_last_success_is_shown(store, rounds):
    take(store, "a")
    with store.write() as work:
        for number in range(rounds):
            work.leases.succeed("sweep", NOW + number * LENGTH)
        work.leases.take("never", "a", NOW, LENGTH)
    with store.read() as work:
        assert work.leases.successes() == {"sweep": NOW + (rounds - 1) * LENGTH}
