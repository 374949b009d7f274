"""Does a Pulser sequence do on Aquila's terms what it does on its own device? Both simulated, side by side."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.braket.translate import translate
from backends.errors import Refused

pytestmark = [
    # Pulser and its simulator warn of their own renamed parts.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def sequence(register=None, device=None, channel="rydberg_global"):
    from pulser import Register, Sequence
    from pulser.devices import AnalogDevice

    register = register or Register.from_coordinates([(0, 0), (6, 0), (12, 2)], prefix="q", center=False)
    made = Sequence(register, device or AnalogDevice)
    made.declare_channel("drive", channel)
    return made


def constant(duration, rabi, detuning, phase=0.0):
    from pulser import Pulse

    return Pulse.ConstantPulse(duration, rabi, detuning, phase)


def sweep():
    from pulser import Pulse
    from pulser.waveforms import BlackmanWaveform, RampWaveform

    made = sequence()
    made.add(Pulse(BlackmanWaveform(1000, 5.0), RampWaveform(1000, -6, 6), 0.0), "drive")
    return made


def flat():
    made = sequence()
    made.add(constant(700, 4.0, 1.0), "drive")
    return made


def turned():
    """A phase that stays changes nothing."""
    made = sequence()
    made.add(constant(300, 6.0, 2.0, 0.7), "drive")
    made.delay(200, "drive")
    made.add(constant(250, 6.0, -2.0, 0.7), "drive")
    return made


def of(made, **bindings):
    text = translate({"task": "pulser", "source": made.to_abstract_repr(), "bindings": bindings})["source"]
    return json.loads(text)


def by_pulser(made) -> np.ndarray:
    """Probabilities, index = key read as binary with the first atom leftmost, 1 = Rydberg."""
    from pulser_simulation import QutipEmulator

    state = np.asarray(QutipEmulator.from_sequence(made).run().get_final_state().full()).ravel()
    return np.abs(state[::-1]) ** 2


def by_braket(program) -> np.ndarray:
    from braket.analog_hamiltonian_simulator.rydberg.rydberg_simulator import RydbergAtomSimulator
    from braket.ir.ahs import Program

    result = RydbergAtomSimulator().run(Program.parse_obj(program), shots=4000)
    counts = np.zeros(2 ** len(program["setup"]["ahs_register"]["sites"]))
    for shot in result.measurements:
        counts[int("".join(str(1 - bit) for bit in shot.shotResult.postSequence), 2)] += 1
    return counts / 4000


@pytest.mark.parametrize("make", [sweep, flat, turned], ids=lambda make: make.__name__)
def test_both_simulations_agree(make):
    made = make()
    ours, theirs = by_braket(of(made)), by_pulser(made)
    assert np.abs(ours - theirs).sum() / 2 < 0.04


def test_the_program_parses_with_the_vendors_schema_and_starts_and_ends_at_rest():
    from braket.ir.ahs import Program

    program = Program.parse_raw_schema(json.dumps(of(sweep())))
    series = program.hamiltonian.drivingFields[0].amplitude.time_series
    assert float(series.values[0]) == float(series.values[-1]) == 0
    gaps = np.diff([float(time) for time in series.times])
    assert min(gaps) == pytest.approx(5e-8)


def test_atoms_move_so_that_they_interact_as_before():
    made = flat()
    program = of(made)
    places = np.array([[float(x) for x in site] for site in program["setup"]["ahs_register"]["sites"]])
    distance = np.linalg.norm(places[1] - places[0])
    assert 5.42e-24 / distance**6 == pytest.approx(made.device.interaction_coeff / 6.0**6 * 1e6, rel=0.01)


def test_variables_are_bound():
    made = sequence()
    rabi = made.declare_variable("rabi")
    made.add(constant(400, rabi, 0), "drive")
    values = of(made, rabi=3.0)["hamiltonian"]["drivingFields"][0]["amplitude"]["time_series"]["values"]
    assert max(map(float, values)) == pytest.approx(3e6, rel=1e-3)


def too_long():
    made = sequence()
    made.add(constant(5000, 1.0, 0), "drive")
    return made


def local():
    from pulser.devices import MockDevice

    made = sequence(device=MockDevice, channel="rydberg_local")
    made.target("q0", "drive")
    made.add(constant(300, 1.0, 0), "drive")
    return made


def too_strong():
    from pulser.devices import MockDevice

    made = sequence(device=MockDevice)
    made.add(constant(300, 20.0, 0), "drive")
    return made


def too_near():
    from pulser import Register
    from pulser.devices import MockDevice

    made = sequence(Register.from_coordinates([(0, 0), (1, 0)], prefix="q"), MockDevice)
    made.add(constant(300, 1.0, 0), "drive")
    return made


def too_abrupt():
    from pulser.devices import MockDevice

    made = sequence(device=MockDevice)
    for detuning in (60.0, -60.0):
        made.add(constant(100, 2.0, detuning), "drive", protocol="no-delay")
    return made


def turning():
    made = sequence()
    for phase in (0.0, 1.2):
        made.add(constant(250, 6.0, 2.0, phase), "drive")
    return made


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (too_long, "Aquila allows"),
        (local, "one global Rydberg drive"),
        (too_strong, "amplitude reaches"),
        (too_near, "apart"),
        (too_abrupt, "changes too fast"),
        (turning, "documented in two ways"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_aquila_cannot_do_is_refused_with_the_reason(make, reason):
    with pytest.raises(Refused, match=reason):
        of(make())


def test_what_is_no_sequence_is_refused():
    with pytest.raises(Refused, match="cannot be read"):
        translate({"task": "pulser", "source": "{}", "bindings": {}})
