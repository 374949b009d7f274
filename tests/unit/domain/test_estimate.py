"""Are worst case, expectation and success what their formulas say?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from broker.domain.device import Calibration
from broker.domain.estimate import (
    ONE_QUBIT_ERROR,
    READOUT_ERROR,
    TWO_QUBIT_ERROR,
    expected,
    gate_counts,
    run_s,
    success,
    worst_case,
)
from broker.domain.price import Usage, charge
from broker.domain.snapshot import Forecast
from tests.support import values
from tests.support.routing_world import NEEDS, WORLD, gate

BY_NAME = {device.name: device for device in WORLD.devices}
GARNET, AQUILA, AER = BY_NAME["braket/garnet"], BY_NAME["braket/aquila"], BY_NAME["local/aer"]
QUICK = Forecast(wait_s=0.0, wait_p90_s=0.0, run_s=2.0, history=3)


def test_the_worst_case_of_a_sweep_is_one_task_where_points_travel_together():
    need = replace(NEEDS["bell"], shots=100, points=5)
    assert worst_case(GARNET, need) == Usage(tasks=1, shots=500, run_ms=60_000)


def test_the_worst_case_of_a_sweep_is_a_task_for_each_point_elsewhere():
    need = replace(NEEDS["rydberg3"], shots=100, points=5)
    assert worst_case(AQUILA, need) == Usage(tasks=5, shots=500, run_ms=5 * 600_000)


@given(values.devices, values.requirements, values.forecasts, values.prices)
def test_what_is_expected_never_costs_more_than_the_worst_case(device, need, forecast, price):
    most = charge(price, worst_case(device, need))
    assert charge(price, expected(device, need, forecast)).micros <= most.micros


def test_success_multiplies_gates_and_readouts():
    calibrated = replace(
        GARNET, calibration=Calibration(one_qubit_error=0.001, two_qubit_error=0.01, readout_error=0.02)
    )
    need = gate(3, {1: 4, 2: 5})
    assert success(calibrated, need) == pytest.approx(0.999**4 * 0.99**5 * 0.98**3)


def test_what_a_vendor_does_not_publish_is_the_stated_guess():
    need = gate(2, {1: 1, 2: 1})
    guess = (1 - ONE_QUBIT_ERROR) * (1 - TWO_QUBIT_ERROR) * (1 - READOUT_ERROR) ** 2
    assert success(replace(GARNET, calibration=None), need) == pytest.approx(guess)
    assert success(replace(GARNET, calibration=Calibration()), need) == pytest.approx(guess)


def test_a_simulator_makes_no_errors():
    assert success(AER, NEEDS["deep16"]) == 1.0


def test_analog_counts_atoms_and_photonic_counts_photons():
    unknown = replace(GARNET, calibration=None)
    assert success(unknown, NEEDS["array30"]) == pytest.approx(0.98**30)
    assert success(unknown, NEEDS["boson9"]) == pytest.approx(0.98**9)


def test_a_wide_gate_counts_as_two_qubit_gates():
    assert gate_counts(gate(4, {1: 3, 2: 2, 3: 1, 4: 1})) == (3, 2 + 6 + 12)


def test_run_time_follows_history_within_what_the_device_allows():
    assert run_s(AER, NEEDS["bell"], QUICK) == 2.0
    assert run_s(replace(AER, max_run_ms=1_500), NEEDS["bell"], QUICK) == 1.5
