"""Pulser sequences for tests, built by Pulser itself."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from broker.domain.program import Format, Paradigm, Program
from broker.domain.requirement import Requirement

if TYPE_CHECKING:
    from pulser import Sequence
    from pulser.devices import Device

FAR_UM = 20.0
HALF_TURN_NS = 524  # at 6 rad/us, in the clock steps of the analog device


def chain(atoms: int, device: Device | None = None, *, spacing: float = FAR_UM, measured: bool = True) -> Sequence:
    """Atoms in a row under one global pulse whose length is the variable ``t`` (ns)."""
    from pulser import Pulse, Register, Sequence
    from pulser.devices import AnalogDevice

    coordinates = [((place - (atoms - 1) / 2) * spacing, 0.0) for place in range(atoms)]
    register = Register(dict(zip((f"q{place}" for place in range(atoms)), coordinates, strict=True)))
    sequence = Sequence(register, device or AnalogDevice)
    sequence.declare_channel("drive", "rydberg_global")
    length = sequence.declare_variable("t", dtype=int)
    sequence.add(Pulse.ConstantPulse(length, 6.0, 0.0, 0.0), "drive")
    if measured:
        sequence.measure("ground-rydberg")
    return sequence


def asymmetric() -> Sequence:
    """Three atoms; the first is turned to Rydberg by a local channel, the others stay: ``100``."""
    from pulser import Pulse, Register, Sequence
    from pulser.devices import MockDevice

    register = Register({"a": (-FAR_UM, 0.0), "b": (0.0, 0.0), "c": (FAR_UM, 0.0)})
    sequence = Sequence(register, MockDevice)
    sequence.declare_channel("one", "rydberg_local", initial_target="a")
    sequence.add(Pulse.ConstantPulse(500, math.pi / 0.5, 0.0, 0.0), "one")
    sequence.measure("ground-rydberg")
    return sequence


def random_sequence(seed: int) -> Sequence:
    """Two to four atoms, one to three global pulses of random strength, detuning and phase."""
    from pulser import Pulse, Register, Sequence
    from pulser.devices import AnalogDevice

    draw = random.Random(seed)
    atoms = draw.randint(2, 4)
    places = {f"q{n}": ((n % 2) * draw.uniform(6, 9), (n // 2) * draw.uniform(6, 9)) for n in range(atoms)}
    sequence = Sequence(Register(places), AnalogDevice)
    sequence.declare_channel("drive", "rydberg_global")
    for _ in range(draw.randint(1, 3)):
        length = 4 * draw.randint(20, 80)
        pulse = Pulse.ConstantPulse(length, draw.uniform(2, 9), draw.uniform(-6, 6), draw.uniform(0, 3))
        sequence.add(pulse, "drive")
    sequence.measure("ground-rydberg")
    return sequence


def program_of(sequence: Sequence) -> Program:
    return Program.of(Format.PULSER, sequence.to_abstract_repr())


def requirement_of(program: Program, *, shots: int = 100, points: int = 1) -> Requirement:
    import json

    document = json.loads(program.source)
    return Requirement(
        format=Format.PULSER,
        paradigm=Paradigm.ANALOG,
        width=len(document["register"]),
        parameters=tuple(document["variables"]),
        shots=shots,
        points=points,
    )
