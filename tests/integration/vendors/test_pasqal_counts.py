"""Do the counts of the route agree with a direct simulation, and does a sweep take one create?"""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import pytest

from backends.base import Phase
from broker.domain.price import charge
from tests.support.pasqal_orders import order_for
from tests.support.pasqal_programs import asymmetric, chain, program_of, random_sequence

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:A device with a `default_noise_model`"),
]
PROGRAMS = 20
SHOTS = 1000
# 20 programs at this level: one false alarm in 500 runs of the suite.
LEVEL = 1e-4


def outcomes(pasqal, orders):
    """All orders sent, then all awaited and fetched."""
    _, backend, _ = pasqal
    ids = [backend.submit(order) for order in orders]
    ends = time.monotonic() + 90
    while any(look.phase in (Phase.QUEUED, Phase.RUNNING) for look in backend.poll(ids).values()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return [backend.fetch(one) for one in ids]


def exact(sequence):
    """Probabilities of the bit strings, from the final state itself."""
    import numpy as np
    from pulser_simulation import QutipEmulator

    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        state = QutipEmulator.from_sequence(sequence).run().get_final_state().full().ravel()
    width = len(sequence.register.qubits)
    # The emulator's first basis state is Rydberg: 1.
    return {
        "".join("1" if bit == "0" else "0" for bit in format(place, f"0{width}b")): float(weight)
        for place, weight in enumerate(np.abs(state) ** 2)
    }


def blurred(probabilities, false_pos, false_neg):
    """The same, read out with the machine's errors."""
    width = len(next(iter(probabilities)))
    for place in range(width):
        read = dict.fromkeys(probabilities, 0.0)
        for key, weight in probabilities.items():
            wrong = false_neg if key[place] == "1" else false_pos
            other = key[:place] + ("0" if key[place] == "1" else "1") + key[place + 1 :]
            read[key] += weight * (1 - wrong)
            read[other] += weight * wrong
        probabilities = read
    return probabilities


def agreement(counts, probabilities):
    """The p-value of a chi-square test; rare outcomes stand together."""
    from scipy.stats import chisquare

    shots = sum(counts.values())
    common = [key for key, weight in probabilities.items() if weight * shots >= 5]
    seen = [counts.get(key, 0) for key in common]
    due = [probabilities[key] * shots for key in common]
    rest = shots - sum(due)
    if rest > 1e-6 * shots or sum(seen) < shots:
        seen, due = [*seen, shots - sum(seen)], [*due, max(rest, 1e-9 * shots)]
    if len(seen) == 1:
        return 1.0
    due = [one * shots / sum(due) for one in due]
    return chisquare(seen, due).pvalue


def test_twenty_programs_agree_with_the_exact_state(pasqal):
    device = pasqal[2]["pasqal/emu-sv"]
    sequences = [random_sequence(seed) for seed in range(PROGRAMS)]
    orders = [order_for(program_of(one), device=device, shots=SHOTS) for one in sequences]
    told = [outcome.points[0].counts for outcome in outcomes(pasqal, orders)]
    assert [sum(counts.values()) for counts in told] == [SHOTS] * PROGRAMS
    levels = [agreement(counts, exact(one)) for counts, one in zip(told, sequences, strict=True)]
    assert min(levels) > LEVEL
    assert sum(levels) / PROGRAMS > 0.25


def test_the_machine_shows_the_readout_error_that_it_publishes(pasqal):
    device = pasqal[2]["pasqal/fresnel"]
    sequences = [random_sequence(seed) for seed in range(4)]
    orders = [order_for(program_of(one), device=device, shots=SHOTS) for one in sequences]
    told = [outcome.points[0].counts for outcome in outcomes(pasqal, orders)]
    for counts, sequence in zip(told, sequences, strict=True):
        assert agreement(counts, blurred(exact(sequence), 0.01, 0.03)) > LEVEL


@pytest.mark.parametrize("name", ["pasqal/emu-free", "pasqal/emu-sv", "pasqal/emu-mps"])
def test_the_first_atom_stands_first(pasqal, name):
    order = order_for(program_of(asymmetric()), device=pasqal[2][name], width=3)
    [outcome] = outcomes(pasqal, [order])
    assert outcome.points[0].counts["100"] >= 99


def test_a_sweep_of_a_hundred_points_is_one_create_and_one_bill(pasqal):
    sandbox, _, devices = pasqal
    device = devices["pasqal/emu-free"]
    points = tuple({"t": float(16 + 4 * step)} for step in range(100))
    order = order_for(program_of(chain(1, measured=False)), device=device, points=points, shots=20)
    [outcome] = outcomes(pasqal, [order])
    assert [dict(point.bindings) for point in outcome.points] == [dict(point) for point in points]
    assert all(sum(point.counts.values()) == 20 for point in outcome.points)
    [create] = sandbox.ledger.entries("create", order.token)
    [bill] = sandbox.ledger.entries("charge", order.token)
    assert (create.shots, bill.shots) == (2000, 2000)
    assert bill.micros == charge(device.price, outcome.usage).micros


def test_the_last_point_of_a_sweep_is_the_last_of_the_result(pasqal):
    """Sixteen nanoseconds leave the atom in its ground state, half a turn takes it to Rydberg."""
    points = ({"t": 16.0}, {"t": 524.0})
    order = order_for(program_of(chain(1)), device=pasqal[2]["pasqal/emu-sv"], points=points)
    [outcome] = outcomes(pasqal, [replace(order)])
    assert outcome.points[0].counts["0"] > 90
    assert outcome.points[1].counts["1"] > 90
