"""What does the sandbox say of QuEra's machine? Bounds from its public description, error figures as examples."""

from __future__ import annotations

import math
from typing import Any

_MHZ = 2 * math.pi * 1e6


def paradigm(sites: int, detection_error: float) -> dict[str, Any]:
    """The ``paradigm`` part of the capabilities; SI units, angular frequencies in rad/s."""
    return {
        "qubitCount": sites,
        "lattice": {
            "area": {"width": 7.5e-5, "height": 1.28e-4},
            "geometry": {
                "spacingRadialMin": 4e-6,
                "spacingVerticalMin": 2e-6,
                "positionResolution": 1e-8,
                "numberSitesMax": sites,
            },
        },
        "rydberg": {"c6Coefficient": 5.42e-24, "rydbergGlobal": _drive()},
        "performance": {"lattice": _lattice_errors(), "rydberg": {"rydbergGlobal": _drive_errors(detection_error)}},
    }


def _drive() -> dict[str, Any]:
    return {
        "rabiFrequencyRange": [0.0, 15_800_000.0],
        "rabiFrequencyResolution": 400.0,
        "rabiFrequencySlewRateMax": 4e14,
        "detuningRange": [-125_000_000.0, 125_000_000.0],
        "detuningResolution": 0.2,
        "detuningSlewRateMax": 6e15,
        "phaseRange": [-99.0, 99.0],
        "phaseResolution": 5e-7,
        "timeResolution": 1e-9,
        "timeDeltaMin": 5e-8,
        "timeMin": 0.0,
        "timeMax": 4e-6,
    }


def _lattice_errors() -> dict[str, float]:
    typical_and_worst = {
        "fillingError": (0.008, 0.05),
        "vacancyError": (0.001, 0.005),
        "atomLossProbability": (0.005, 0.01),
        "atomCaptureProbability": (0.001, 0.002),
        "atomDetectionErrorFalsePositive": (0.001, 0.005),
        "atomDetectionErrorFalseNegative": (0.001, 0.005),
    }
    errors = {"positionErrorAbs": 2.25e-7, "sitePositionError": 1e-7, "atomPositionError": 2e-7}
    for name, (typical, worst) in typical_and_worst.items():
        errors |= {f"{name}Typical": typical, f"{name}Worst": worst}
    return errors


def _drive_errors(detection_error: float) -> dict[str, Any]:
    times = {"T1": 7.5e-5, "T2Star": 5e-6, "T2Echo": 8e-6, "T2Rabi": 8e-6, "T2BlockadedRabi": 7e-6}
    return {
        "rabiFrequencyErrorRel": 0.03,
        "rabiFrequencyGlobalErrorRel": 0.02,
        "rabiFrequencyInhomogeneityRel": 0.02,
        "groundDetectionError": 0.01,
        "rydbergDetectionError": 2 * detection_error - 0.01,
        "groundPrepError": 0.01,
        "rydbergPrepErrorBest": 0.05,
        "rydbergPrepErrorWorst": 0.07,
        "detuningError": 0.1 * _MHZ,
        "detuningInhomogeneity": 0.05 * _MHZ,
        "rabiAmplitudeRampCorrection": [
            {"rampTime": 5e-8, "rabiCorrection": 0.92},
            {"rampTime": 1e-7, "rabiCorrection": 0.991},
        ],
        **{f"{name}{size}": value for name, value in times.items() for size in ("Single", "Ensemble")},
    }
