"""What does a capabilities document say of a device, in our words?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time

import pytest

from backends.braket.calibration import calibration_of
from backends.braket.devices import device_of, name_of
from backends.braket.sandbox.cards import AQUILA, CARDS
from backends.braket.sandbox.devices import capabilities
from broker.domain.device import Kind, Status
from broker.domain.program import Format


def answer(arn, *, text=None, queues=()):
    return {
        "deviceArn": arn,
        "deviceName": "x",
        "providerName": "P",
        "deviceType": "QPU" if "/qpu/" in arn else "SIMULATOR",
        "deviceStatus": "ONLINE",
        "deviceCapabilities": text or capabilities(arn),
        "deviceQueueInfo": list(queues),
    }


def device(arn, **rest):
    return device_of(answer(arn, **rest), region="us-east-1", sandbox=True, price=None)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_each_card_becomes_a_device(card):
    found = device(card.arn)
    assert found.width == card.width
    assert found.status is Status.ONLINE
    assert found.kind is (Kind.QPU if card.is_qpu else Kind.SIMULATOR)
    assert found.sweeps is card.program_set
    assert found.max_points == (100 if card.program_set else 1)
    assert found.region == (card.region or "us-east-1")


@pytest.mark.parametrize("card", [card for card in CARDS if card.one], ids=lambda card: card.name)
def test_calibration_is_the_mean_of_what_is_published(card):
    errors = calibration_of(json.loads(capabilities(card.arn)))
    assert errors.one_qubit_error == pytest.approx(card.one, rel=0.1)
    assert errors.two_qubit_error == pytest.approx(card.two, rel=0.1)
    assert errors.readout_error == pytest.approx(card.readout, rel=0.1)
    assert errors.as_of == datetime(2026, 11, 1, tzinfo=UTC)


def test_an_atom_array_takes_analog_programs_for_four_microseconds():
    found = device(AQUILA)
    assert found.accepts == frozenset({Format.AHS, Format.PULSER})
    assert found.max_duration_us == pytest.approx(4.0)
    assert found.calibration.readout_error == pytest.approx(0.045)


def test_windows_are_weekly_hours_and_all_hours_are_none():
    found = device("arn:aws:braket:eu-north-1::device/qpu/aqt/Ibex-Q1")
    assert [(window.days, window.start, window.end) for window in found.windows] == [
        (frozenset({1, 2, 3, 4, 5}), time(8), time(16))
    ]
    assert device(AQUILA).windows == ()


def test_the_normal_queue_is_the_queue():
    queues = [
        {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": ">2000", "queuePriority": "Normal"},
        {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "5", "queuePriority": "Priority"},
        {"queue": "JOBS_QUEUE", "queueSize": "9"},
    ]
    assert device(AQUILA, queues=queues).queue_depth == 2000
    assert device(AQUILA).queue_depth is None


def test_a_device_for_other_paradigms_is_no_device_of_ours():
    text = json.dumps({"action": {"braket.ir.annealing.problem": {}}, "service": {}})
    assert device("arn:aws:braket:us-east-1::device/qpu/d-wave/Old", text=text) is None


def test_names_say_provider_and_machine():
    assert name_of("arn:aws:braket:us-west-1::device/qpu/rigetti/Cepheus-1-108Q") == "braket/rigetti-cepheus-1-108q"
    assert name_of("arn:aws:braket:::device/quantum-simulator/amazon/sv1") == "braket/sv1"
