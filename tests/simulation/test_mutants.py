"""Does the simulation notice a broken protocol? Every mutant must be caught within a bounded number of schedules."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, caught


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_caught(name):
    found = caught(MUTANTS[name])
    assert found is not None, f"{name} survives: the simulation proves nothing about it"


def test_there_are_enough_mutants():
    assert len(MUTANTS) >= 20
