"""Do counts through the whole Quandela route agree with direct simulation, and does a sweep cost one create?"""

from __future__ import annotations

import json
import math
import time

import pytest
from scipy.stats import chisquare

from backends.base import Phase
from backends.quandela.adapter import backend
from backends.quandela.sandbox.serve import ServedSandbox
from tests.support import quandela_programs as programs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SHOTS = 2000
IMPROBABLE = 1e-6


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    served = ServedSandbox(tmp_path_factory.mktemp("quandela"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def quandela(sandbox, tmp_path_factory):
    environ = {"QSUBMIT_QUANDELA_SANDBOX_URL": sandbox.url}
    adapter = backend(data=tmp_path_factory.mktemp("adapter"), environ=environ)
    yield adapter
    adapter.close()


def finished(adapter, remote_id, patience_s=60):
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        snapshot = adapter.poll([remote_id])[remote_id]
        if snapshot.phase not in (Phase.QUEUED, Phase.RUNNING):
            assert snapshot.phase is Phase.DONE, snapshot
            return adapter.fetch(remote_id)
        time.sleep(0.02)
    raise AssertionError(f"{remote_id} did not end")


def agrees(counts, chances, shots):
    """Whether a histogram is a probable draw; outcomes too rare for the test are taken together."""
    assert set(counts) <= {state for state, chance in chances.items() if chance > 1e-9}
    often = [state for state, chance in chances.items() if chance * shots >= 5]
    seen = [counts.get(state, 0) for state in often]
    meant = [chances[state] * shots for state in often]
    rest = shots - sum(meant)
    if rest >= 5:
        seen, meant = [*seen, shots - sum(seen)], [*meant, rest]
    scale = sum(seen) / sum(meant)
    return len(seen) < 2 or chisquare(seen, [m * scale for m in meant]).pvalue > IMPROBABLE


def program(pcvl, number):
    """One of twenty: 2 to 5 modes, 1 to 3 photons, each command, with noise or selection now and then."""
    from perceval.serialization import serialize

    modes = 2 + number % 4
    photons = 1 + number % 3
    pcvl.random_seed(number)
    experiment = pcvl.Experiment(pcvl.Circuit(modes).add(0, pcvl.Unitary(pcvl.Matrix.random_unitary(modes))))
    state = pcvl.BasicState([photons // 2, *[0] * (modes - 2), photons - photons // 2])
    more = {"command": ("sample_count", "samples", "probs")[number % 3], "input_state": str(state)}
    if number % 5 == 4:
        more |= {"noise": {"indistinguishability": 0.8, "transmittance": 0.7}, "min_detected_photons": 1}
    if number % 7 == 6 and photons > 1:
        experiment.set_postselection(pcvl.PostSelect("[0] < 2"))
    text = json.dumps({"experiment": serialize(experiment), **more})
    experiment.with_input(state)
    return experiment, more, text


def direct(pcvl, experiment, more):
    """Perceval on the spot, with another of its engines."""
    processor = pcvl.Processor("Naive", experiment, noise=pcvl.NoiseModel(**more.get("noise", {})))
    processor.min_detected_photons_filter(more.get("min_detected_photons", experiment.input_state.n))
    return {str(key): float(chance) for key, chance in processor.probs()["results"].items()}


def test_twenty_programs_agree_with_direct_simulation(pcvl, quandela):
    made = [program(pcvl, number) for number in range(20)]
    orders = [programs.order(text, number=n, shots=SHOTS) for n, (_, _, text) in enumerate(made)]
    remote = [quandela.submit(order) for order in orders]
    for number, (experiment, more, _) in enumerate(made):
        (point,) = finished(quandela, remote[number]).points
        assert sum(point.counts.values()) == SHOTS, number
        assert agrees(point.counts, direct(pcvl, experiment, more), SHOTS), number


def test_a_sweep_of_a_hundred_points_is_one_create(quandela, sandbox):
    before = len(sandbox.sandbox.ledger.entries("create"))
    points = [{"phi": 2 * math.pi * n / 100} for n in range(100)]
    text = programs.source(programs.INTERFEROMETER)
    remote_id = quandela.submit(programs.order(text, number=900, shots=500, points=points))
    outcome = finished(quandela, remote_id)
    assert len(sandbox.sandbox.ledger.entries("create")) == before + 1
    assert [dict(point.bindings) for point in outcome.points] == points
    assert outcome.usage.shots == 50_000
    for point in outcome.points:
        both = math.cos(point.bindings["phi"]) ** 2
        chances = {"|1,1>": both, "|2,0>": (1 - both) / 2, "|0,2>": (1 - both) / 2}
        assert agrees(point.counts, chances, 500), point


def test_modes_stand_in_the_order_of_the_program(quandela):
    text = programs.source(programs.ROTATION, "|1,0,2>")
    (point,) = finished(quandela, quandela.submit(programs.order(text, number=901))).points
    assert point.counts == {"|0,2,1>": 1000}


def test_a_machine_gives_fewer_samples_than_shots_and_says_so(quandela):
    on = programs.device("qpu:ascella", "sample_count,samples")
    order = programs.order(programs.source(programs.ROTATION, "|1,0,1>"), number=902, shots=20_000, on=on)
    outcome = finished(quandela, quandela.submit(order))
    (point,) = outcome.points
    assert outcome.usage.shots == 20_000
    # Two photons of 6 % transmittance both arrive in 0.36 % of the pulses, one at least in 11.6 %.
    assert 300 < sum(point.counts.values()) < 1000
