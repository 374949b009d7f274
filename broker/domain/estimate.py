"""How much will a job consume, how long will it run, how likely is it to work? One formula per fact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.device import Calibration, Kind
from broker.domain.price import Usage, by_program
from broker.domain.program import Paradigm

if TYPE_CHECKING:
    from broker.domain.device import Device
    from broker.domain.requirement import Requirement
    from broker.domain.snapshot import Forecast

# Stated guesses for a QPU whose vendor publishes no figure; docs/routing.md repeats them.
ONE_QUBIT_ERROR = 0.001
TWO_QUBIT_ERROR = 0.01
READOUT_ERROR = 0.02

# A gate on k > 2 qubits counts as this many two-qubit gates for each qubit beyond two (Toffoli: 6).
TWO_QUBIT_PER_EXTRA_QUBIT = 6

# Bond dimension 2**7 at most: beyond, a matrix product state may run for hours (backends/local races it instead).
WEAK_ENTANGLEMENT = 7

_NO_CALIBRATION = Calibration()


def tasks(device: Device, need: Requirement) -> int:
    """Vendor tasks that carry the job: one, or one per point where the vendor takes no sweeps."""
    return 1 if device.sweeps else need.points


def worst_case(device: Device, need: Requirement) -> Usage:
    """What the job can consume at most: what is held. Every run is as long as the device allows.

    A device with ``run_per_point`` runs each point of a task for up to ``max_run_ms``.
    """
    count = tasks(device, need)
    runs = need.points if device.run_per_point else count
    shots = need.shots * need.points
    return _told(device, need, Usage(tasks=count, shots=shots, run_ms=device.max_run_ms * runs))


def expected(device: Device, need: Requirement, forecast: Forecast) -> Usage:
    """What the job will probably consume: what is scored. Equals the worst case but for the run time."""
    run_ms = round(run_s(device, need, forecast) * 1000)
    return _told(device, need, Usage(tasks=tasks(device, need), shots=need.shots * need.points, run_ms=run_ms))


def _told(device: Device, need: Requirement, usage: Usage) -> Usage:
    """Gates are counted only where the price asks for them: every device of every question comes by here."""
    price = device.price
    return with_gates(usage, need, usage.shots) if price is not None and by_program(price) else usage


def with_gates(usage: Usage, need: Requirement, shots: int) -> Usage:
    """The usage with the gates and readouts of the program, ``shots`` times."""
    ones, twos = gate_counts(need)
    return replace(usage, gate1_shots=ones * shots, gate2_shots=twos * shots, readout_shots=measured(need) * shots)


def run_s(device: Device, need: Requirement, forecast: Forecast) -> float:
    """Expected run time of the whole job in seconds, never more than the device allows: the forecast for each task."""
    count = tasks(device, need)
    return min(forecast.run_s * count, device.max_run_ms * count / 1000)


def simulates_without_state(device: Device, need: Requirement) -> bool:
    """Whether one of the device's ``methods`` can run the program without the 2**width amplitudes in memory."""
    if need.paradigm is not Paradigm.GATE:
        return False
    methods = device.methods
    if need.clifford and "stabilizer" in methods:
        return True
    return "matrix_product_state" in methods and need.entangling_cut <= WEAK_ENTANGLEMENT


def success(device: Device, need: Requirement) -> float:
    """Estimated probability that one shot goes without an error: a ranking figure, not a promise.

    (1 - e1)^n1 x (1 - e2)^n2 x (1 - er)^m from the mean errors of the last calibration, or the stated
    guesses; m counts measured bits (gate), atoms (analog) or photons (photonic, where er is the chance
    to lose one). A simulator has no errors: 1.
    """
    if device.kind is Kind.SIMULATOR:
        return 1.0
    known = device.calibration or _NO_CALIBRATION
    readout = READOUT_ERROR if known.readout_error is None else known.readout_error
    kept: float = (1.0 - readout) ** measured(need)
    if need.paradigm is not Paradigm.GATE:
        return kept
    one = ONE_QUBIT_ERROR if known.one_qubit_error is None else known.one_qubit_error
    two = TWO_QUBIT_ERROR if known.two_qubit_error is None else known.two_qubit_error
    ones, twos = gate_counts(need)
    kept *= (1.0 - one) ** ones * (1.0 - two) ** twos
    return kept


def measured(need: Requirement) -> int:
    """How many readouts one shot makes."""
    if need.paradigm is Paradigm.GATE:
        return need.bits
    return need.width if need.paradigm is Paradigm.ANALOG else need.photons


def gate_counts(need: Requirement) -> tuple[int, int]:
    """One-qubit and two-qubit gates, with wider gates counted as two-qubit gates."""
    ones = twos = 0
    for arity, count in need.gates:
        if arity <= 1:
            ones += count
        else:
            twos += count * max(1, TWO_QUBIT_PER_EXTRA_QUBIT * (arity - 2))
    return ones, twos
