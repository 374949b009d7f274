"""Does the submit protocol hold under every crash, fault and delay that the simulation knows?"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broker.crash import POINTS
from broker.domain.recovery import Recovery
from tests.simulation.plan import exhaustive
from tests.simulation.run import crew, play_all, simulate
from tests.simulation.world import play

ROOT = Path(__file__).parents[2]
SCHEDULES = 67_000
# Nothing to ask: a blind vendor cannot list, and a local run is simply run again.
NEVER = {
    (point, recovery)
    for point in ("reconcile.before_find", "reconcile.after_find")
    for recovery in (Recovery.BLIND.value, Recovery.RERUN.value)
}
SOME = [
    "token/sqlite/lost/lost/submit.after_send",
    "tag/postgresql/late_in/ok/none",
    *(f"random/{n}" for n in range(9)),
]


@pytest.mark.timeout(600)
def test_nothing_is_lost_double_or_unaccounted():
    total = simulate(SCHEDULES, seed=0, jobs=2)
    assert total.schedules == SCHEDULES
    assert not total.failures, "\n".join(
        f"{failure.splitlines()[-1]}: python -m tests.simulation.run --replay {name}"
        for name, failure in total.failures
    )
    seldom = {
        (point, recovery.value)
        for point in POINTS
        for recovery in Recovery
        if total.crashes[point, recovery.value] < 20 and (point, recovery.value) not in NEVER
    }
    assert not seldom, f"the schedules hardly ever crash at {sorted(seldom)}"


def test_the_exhaustive_schedules_are_all_different_and_leave_room_for_random_ones():
    names = list(exhaustive())
    assert len(set(names)) == len(names)
    assert len(names) < SCHEDULES - 10_000


@pytest.mark.parametrize("name", SOME)
def test_a_schedule_replays_step_by_step(name):
    once, again = play(name, crew(), traced=True), play(name, crew(), traced=True)
    assert once.trace
    assert once.trace == again.trace


def test_a_schedule_is_the_same_in_every_process():
    program = (
        "from tests.simulation.world import play; from tests.simulation.run import crew\n"
        f"print([play(name, crew(), traced=True).trace for name in {SOME!r}])"
    )
    seen = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", program],
                cwd=ROOT,
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
        ).hexdigest()
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_tracing_changes_nothing():
    traced = play("random/5", crew(), traced=True)
    quiet = play_all(["random/5"])
    assert quiet.visits == traced.visits
