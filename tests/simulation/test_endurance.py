"""Does nothing go on for ever, and would the schedules notice if it did?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.domain import backoff
from broker.services import apply as applying
from broker.services import claim as claiming
from broker.store import jobs as stored
from tests.simulation import fake_jobs
from tests.simulation.endurance import endurance_world, names
from tests.simulation.run import play_all


@pytest.mark.parametrize("name", list(names()))
def test_a5_a6_nothing_goes_on_for_ever(name):
    assert play_all([name], endurance_world).failures == []


def no_floor(patch):
    patch.setattr("workers.send.backoff", lambda *_, **__: timedelta(0))
    patch.setattr("workers.watch.failed", lambda before, *_, **__: before)


def no_breaker(patch):
    patch.setattr("workers.watch.failed", lambda before, *_, **__: before)
    patch.setattr(fake_jobs, "DOUBTED", timedelta(0))


def no_bound(patch):
    patch.setattr(claiming, "worn_out", lambda *_, **__: [])


def no_isolation(patch):
    patch.setattr(applying, "of_one_row", lambda _: False)


MUTANTS = {
    "no_floor": (no_floor, "zero/"),
    "no_breaker": (no_breaker, "outage/blind"),
    "no_bound": (no_bound, "endless/"),
    "no_isolation": (no_isolation, "spoiled/"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a5_a6_a_mutant_is_caught(mutant):
    make, where = MUTANTS[mutant]
    with pytest.MonkeyPatch.context() as patch:
        make(patch)
        played = [name for name in names() if name.startswith(where)]
        assert played
        assert len(play_all(played, endurance_world).failures) == len(played)


def test_a6_the_schedules_know_the_real_bounds():
    assert fake_jobs.DOUBTED == stored.DOUBTED
    assert timedelta(seconds=1) <= backoff.FLOOR
