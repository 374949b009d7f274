"""What can each device of the sandbox do? Capabilities documents built with the vendor's own schema classes."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from backends.braket.sandbox.cards import AQUILA, BY_ARN, DM1

if TYPE_CHECKING:
    from backends.braket.sandbox.cards import Card

POLL_MS = 100
UPDATED = "2026-11-01T00:00:00"
_ALWAYS = [{"executionDay": "Everyday", "windowStartHour": "00:00:00", "windowEndHour": "23:59:59"}]
# fmt: off
_QPU_GATES = [
    "x", "y", "z", "h", "i", "s", "si", "t", "ti", "v", "vi", "rx", "ry", "rz", "prx", "phaseshift", "cnot", "cy",
    "cz", "swap", "iswap", "xx", "yy", "zz", "cphaseshift", "ccnot", "cswap",
]
_SIMULATOR_GATES = [
    *_QPU_GATES, "U", "GPhase", "cphaseshift00", "cphaseshift01", "cphaseshift10", "cv", "ecr", "gpi", "gpi2", "ms",
    "pswap", "unitary", "xy",
]
_NOISES = [
    "amplitude_damping", "bit_flip", "depolarizing", "generalized_amplitude_damping", "kraus", "pauli_channel",
    "phase_damping", "phase_flip", "two_qubit_dephasing", "two_qubit_depolarizing",
]
# fmt: on
_OBSERVABLES = ["x", "y", "z", "h", "i", "hermitian"]
_EXACT = ("StateVector", "Amplitude")


@cache
def capabilities(arn: str) -> str:
    """The JSON text of ``deviceCapabilities``."""
    card = BY_ARN[arn]
    build = _quera if arn == AQUILA else _BUILDERS.get(arn.split("/")[-2], _simulator)
    return str(build(card).json())


def _service(card: Card) -> dict[str, Any]:
    windows = [
        {"executionDay": day, "windowStartHour": start, "windowEndHour": end} for day, start, end in card.windows
    ]
    return {
        "executionWindows": windows or _ALWAYS,
        "shotsRange": card.shots,
        "deviceDocumentation": {"summary": card.summary, "imageUrl": "", "externalDocumentationUrl": ""},
        "deviceLocation": card.region or "",
        "updatedAt": UPDATED,
        "getTaskPollIntervalMillis": POLL_MS,
    }


def _result_types(most: int, *, least: int = 1) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [{"name": name, "observables": _OBSERVABLES} for name in ("Expectation", "Variance")]
    sample = {"name": "Sample", "observables": _OBSERVABLES, "minShots": 1, "maxShots": most}
    return [sample, *({**kind, "minShots": least, "maxShots": most} for kind in [*kinds, {"name": "Probability"}])]


def _actions(card: Card) -> dict[str, Any]:
    program = {
        "version": ["1"],
        "actionType": "braket.ir.openqasm.program",
        "supportedOperations": _QPU_GATES,
        "supportedResultTypes": _result_types(card.shots[1]),
        "supportedPragmas": ["verbatim", "braket_result_type_sample", "braket_result_type_expectation",
                             "braket_result_type_variance", "braket_result_type_probability"],
        "forbiddenPragmas": [],
        "maximumQubitArrays": 1,
        "maximumClassicalArrays": 1,
        "supportPhysicalQubits": True,
        "requiresAllQubitsMeasurement": False,
    }  # fmt: skip
    actions: dict[str, Any] = {"braket.ir.openqasm.program": program}
    if card.program_set:
        actions["braket.ir.openqasm.program_set"] = {
            "version": ["1"], "actionType": "braket.ir.openqasm.program_set",
            "maximumExecutables": 100, "maximumTotalShots": 200_000,
        }  # fmt: skip
    return actions


def _simulator(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.simulators import (
        GateModelSimulatorDeviceCapabilities,
        GateModelSimulatorDeviceParameters,
    )

    actions = _actions(card)
    program = actions["braket.ir.openqasm.program"]
    noise = _NOISES if card.arn == DM1 else []
    exact = [{"name": "DensityMatrix" if card.arn == DM1 else name, "minShots": 0, "maxShots": 0} for name in _EXACT]
    program |= {
        "supportedOperations": [*_SIMULATOR_GATES, *noise],
        "supportedResultTypes": [*_result_types(card.shots[1], least=0), *exact],
        "supportedPragmas": [f"braket_noise_{name}" for name in noise] + program["supportedPragmas"],
        "supportPhysicalQubits": False,
        "maximumQubitArrays": None,
        "supportedModifiers": [{"name": "ctrl"}, {"name": "negctrl"}, {"name": "inv"}],
    }
    return GateModelSimulatorDeviceCapabilities(
        service=_service(card),
        action=actions,
        paradigm={"qubitCount": card.width},
        deviceParameters=GateModelSimulatorDeviceParameters.schema(),
    )


def _pairs(card: Card) -> list[tuple[int, int]]:
    """Neighbours on the grid, or everybody."""
    if not card.side:
        return [(a, b) for a in range(card.width) for b in range(a + 1, card.width)]
    across = [(a, a + 1) for a in range(card.width - 1) if (a + 1) % card.side]
    return across + [(a, a + card.side) for a in range(card.width - card.side)]


def _paradigm(card: Card) -> dict[str, Any]:
    graph: dict[str, list[str]] = {str(qubit): [] for qubit in range(card.width)}
    for a, b in _pairs(card) if card.side else ():
        graph[str(a)].append(str(b))
        graph[str(b)].append(str(a))
    connectivity = {"fullyConnected": not card.side, "connectivityGraph": graph if card.side else {}}
    return {"qubitCount": card.width, "nativeGateSet": list(card.native), "connectivity": connectivity}


def _gate_parts(card: Card, parameters: Any) -> dict[str, Any]:  # noqa: ANN401  a vendor's schema class
    return {
        "service": _service(card),
        "action": _actions(card),
        "paradigm": _paradigm(card),
        "deviceParameters": parameters.schema(),
    }


def _standardized(card: Card) -> dict[str, Any]:
    """Version 1: each qubit and each pair, a little apart from each other around the mean."""
    qubits = {
        str(qubit): {
            "T1": {"value": 4e-5, "unit": "S"},
            "T2": {"value": 2e-5, "unit": "S"},
            "oneQubitFidelity": [
                _fidelity("SIMULTANEOUS_RANDOMIZED_BENCHMARKING", card.one, qubit),
                _fidelity("READOUT", card.readout, qubit),
            ],
        }
        for qubit in range(card.width)
    }
    name = {"iswap": "ISWAP"}.get(card.native[-1], "CZ")
    pairs = {
        f"{a}-{b}": {
            "twoQubitGateFidelity": [
                {"gateName": name, **_fidelity("INTERLEAVED_RANDOMIZED_BENCHMARKING", card.two, a + b)}
            ]
        }
        for a, b in _pairs(card)
    }
    return {"oneQubitProperties": qubits, "twoQubitProperties": pairs}


def _fidelity(kind: str, error: float, place: int) -> dict[str, Any]:
    spread = 1.0 + 0.2 * math.sin(1.7 * place)
    return {"fidelityType": {"name": kind}, "fidelity": round(1.0 - error * spread, 6)}


def _ionq(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.ionq import IonqDeviceCapabilities, IonqDeviceParameters

    means = {"1Q": card.one, "2Q": card.two, "spam": card.readout}
    fidelity = {name: {"mean": 1.0 - error} for name, error in means.items()}
    timing = {"T1": 100.0, "T2": 1.0, "1Q": 0.00013, "2Q": 0.00097, "readout": 0.00015, "reset": 5e-05}
    provider = {"fidelity": fidelity, "timing": timing}
    return IonqDeviceCapabilities(**_gate_parts(card, IonqDeviceParameters), provider=provider)


def _iqm(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.iqm import IqmDeviceCapabilities, IqmDeviceParameters

    return IqmDeviceCapabilities(**_gate_parts(card, IqmDeviceParameters), standardized=_standardized(card))


def _rigetti(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.rigetti import RigettiDeviceParameters
    from braket.device_schema.rigetti.rigetti_device_capabilities_v2 import RigettiDeviceCapabilities

    return RigettiDeviceCapabilities(**_gate_parts(card, RigettiDeviceParameters), standardized=_standardized(card))


def _aqt(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.aqt import AqtDeviceCapabilities
    from braket.device_schema.simulators import GateModelSimulatorDeviceParameters

    def percent(error: float) -> dict[str, float]:
        return {"value": round(100 * (1 - error), 4), "uncertainty": 0.01}

    figures = {
        "single_qubit_gate_fidelity": {str(qubit): percent(card.one) for qubit in range(card.width)},
        "mean_two_qubit_gate_fidelity": percent(card.two),
        "spam_fidelity_lower_bound": 100 * (1 - card.readout),
        "t2_coherence_time_s": {"value": 0.3, "uncertainty": 0.02},
        "t1_s": {"value": 1.14, "uncertainty": 0.06},
        "readout_time_micros": 2000.0,
        "single_qubit_gate_duration_micros": 15.0,
        "two_qubit_gate_duration_micros": 200.0,
        "updated_at": UPDATED,
    }
    whole = {"fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}, "unit": "fraction"}
    standardized = {
        "singleQubitFidelity": [{**whole, "fidelity": 1 - card.one}],
        "twoQubitGateFidelity": [{**whole, "fidelity": 1 - card.two}],
        "readoutFidelity": [{"fidelity": 1 - card.readout, "unit": "fraction"}],
        "updatedAt": UPDATED,
    }
    parts = _gate_parts(card, GateModelSimulatorDeviceParameters)
    return AqtDeviceCapabilities(**parts, provider={"properties": figures}, standardized=standardized)


_BUILDERS = {"ionq": _ionq, "iqm": _iqm, "rigetti": _rigetti, "aqt": _aqt}


def _quera(card: Card) -> Any:  # noqa: ANN401  a vendor's schema class
    from braket.device_schema.quera import QueraDeviceCapabilities

    from backends.braket.sandbox.aquila import paradigm

    action = {"braket.ir.ahs.program": {"version": ["1"], "actionType": "braket.ir.ahs.program"}}
    return QueraDeviceCapabilities(
        service=_service(card), action=action, deviceParameters={}, paradigm=paradigm(card.width, card.readout)
    )
