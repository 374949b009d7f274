"""How does a Pulser sequence become an AHS program? Global Rydberg drive only; runs in a child, Pulser reads it.

The atoms are moved apart (or together) by one factor, so that every pair interacts on Aquila exactly as on the
sequence's own device: C6 differs, R does so too. Aquila draws straight lines between knots at least 50 ns apart, so
each knot is the mean of the 50 ns around it: the pulse angle is kept, and a jump becomes a ramp around its place.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backends.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Aquila's interaction, rad/µs µm⁶ (capabilities: 5.42e-24 rad/s m⁶).
AQUILA_C6 = 5.42e6
STEP_NS = 50
LONGEST_NS = 4000
# Bounds of the machine in rad/µs, rad/µs² and µm.
MOST_RABI, MOST_DETUNING, SLEW_RABI, SLEW_DETUNING = 15.8, 125.0, 400.0, 6000.0
NEAREST_UM, NEAREST_ROW_UM, WIDTH_UM, HEIGHT_UM = 4.0, 2.0, 75.0, 128.0
# What the machine resolves, in SI units.
RESOLUTION = {
    "time": Decimal("1e-9"),
    "place": Decimal("1e-8"),
    "amplitude": Decimal(400),
    "detuning": Decimal("0.2"),
    "phase": Decimal("5e-7"),
}
# How far the angle that a pulse has turned may stray from the original's at any time, rad.
ANGLE_TOLERANCE = 0.15
PHASE_TOLERANCE = 1e-6
_INDEXED = re.compile(r"(?P<name>.+)\[(?P<place>\d+)\]")


def ahs_of(source: str, bindings: Mapping[str, float]) -> dict[str, Any]:
    """The AHS program as a JSON document.

    Raises:
        Refused: the sequence asks for what Aquila does not have, with the reason.
    """
    sequence = _built(_read(source), bindings)
    _refuse_foreign(sequence)
    amplitude, detuning, phase = _drive(sequence)
    _refuse_turning(phase, amplitude)
    knots = {"amplitude": _knots(amplitude, edges_at_rest=True), "detuning": _knots(detuning, edges_at_rest=False)}
    _refuse_fast(knots)
    _refuse_stray(amplitude, knots["amplitude"])
    _refuse_stray(detuning, knots["detuning"])
    field = {name: _field([value * 1e6 for value in values], RESOLUTION[name]) for name, values in knots.items()}
    field["phase"] = _field([0.0] * len(knots["amplitude"]), RESOLUTION["phase"])
    sites = [[_text(1e-6 * x, RESOLUTION["place"]), _text(1e-6 * y, RESOLUTION["place"])] for x, y in _places(sequence)]
    return {
        "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
        "setup": {"ahs_register": {"sites": sites, "filling": [1] * len(sites)}},
        "hamiltonian": {"drivingFields": [field], "localDetuning": []},
    }


def translated(request: Mapping[str, Any]) -> dict[str, Any]:
    """``{source, bindings}`` → ``{source}``: the AHS program as text."""
    return {"source": json.dumps(ahs_of(request["source"], request["bindings"]), separators=(",", ":"))}


def _read(source: str) -> Any:  # noqa: ANN401  a Pulser sequence
    from pulser import Sequence

    try:
        return Sequence.from_abstract_repr(source)
    except Exception as error:
        raise Refused(f"the sequence cannot be read: {error}"[:500], code="program_invalid") from error


def _built(sequence: Any, bindings: Mapping[str, float]) -> Any:  # noqa: ANN401  a Pulser sequence
    if sequence.is_register_mappable():
        raise Refused("the sequence has no fixed register", code="program_invalid", pointer="/register")
    if not sequence.is_parametrized():
        return sequence
    values: dict[str, Any] = {}
    for name, value in sorted(bindings.items(), key=lambda pair: _place(pair[0])):
        found = _INDEXED.fullmatch(name)
        if found:
            values.setdefault(found["name"], []).append(value)
        else:
            values[name] = value
    try:
        return sequence.build(**values)
    except Exception as error:
        raise Refused(f"the sequence cannot be built: {error}"[:500], code="program_invalid") from error


def _place(name: str) -> tuple[str, int]:
    found = _INDEXED.fullmatch(name)
    return (found["name"], int(found["place"])) if found else (name, -1)


def _refuse_foreign(sequence: Any) -> None:  # noqa: ANN401  a Pulser sequence
    for name, channel in sequence.declared_channels.items():
        if channel.basis != "ground-rydberg" or channel.addressing != "Global":
            raise Refused(f"Aquila has one global Rydberg drive; the channel {name} is another", code="program_invalid")
    if getattr(sequence, "_slm_mask_targets", None):
        raise Refused("Aquila has no mask for single atoms", code="program_invalid")
    basis = sequence.get_measurement_basis() if sequence.is_measured() else "ground-rydberg"
    if basis != "ground-rydberg":
        raise Refused(f"Aquila measures ground or Rydberg, not {basis}", code="program_invalid")


def _drive(sequence: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401  numpy, one value for each nanosecond
    from pulser.sampler import sample

    samples = sample(sequence).to_nested_dict(all_local=False)["Global"]["ground-rydberg"]
    duration = len(samples["amp"])
    if duration + 2 * STEP_NS > LONGEST_NS:
        said = f"the sequence takes {duration} ns, Aquila allows {LONGEST_NS - 2 * STEP_NS}"
        raise Refused(said, code="limit_exceeded")
    return samples["amp"], samples["det"], samples["phase"]


def _knots(values: Any, *, edges_at_rest: bool) -> list[float]:  # noqa: ANN401  numpy
    """Means around each knot. The original begins one step after zero; at rest means zero before and after it."""
    import numpy as np

    count = -(-len(values) // STEP_NS) + 3
    mode: Any = "constant" if edges_at_rest else "edge"
    padded = np.pad(values, (STEP_NS + STEP_NS // 2, count * STEP_NS - len(values)), mode=mode)
    means = [float(padded[at * STEP_NS : (at + 1) * STEP_NS].mean()) for at in range(count)]
    return [0.0, *means[1:-1], 0.0] if edges_at_rest else means


def _refuse_fast(knots: Mapping[str, Sequence[float]]) -> None:
    bounds = {"amplitude": (MOST_RABI, SLEW_RABI), "detuning": (MOST_DETUNING, SLEW_DETUNING)}
    for name, values in knots.items():
        most, slew = bounds[name]
        steepest = max(abs(b - a) for a, b in pairwise(values)) / (STEP_NS * 1e-3)
        if max(map(abs, values)) > most or steepest > slew:
            raise Refused(f"Aquila's {name} reaches {most:g} rad/µs at {slew:g} rad/µs²", code="limit_exceeded")


def _refuse_stray(values: Any, knots: Sequence[float]) -> None:  # noqa: ANN401  numpy
    """The running integral of the drawn line must follow that of the original."""
    import numpy as np

    times = np.arange(len(values)) + 0.5 + STEP_NS
    drawn = np.interp(times, np.arange(len(knots)) * STEP_NS, knots)
    before = (knots[0] + knots[1]) / 2 * STEP_NS if knots[0] == 0.0 else 0.0
    stray = float(np.abs(np.cumsum(drawn - values) + before).max()) * 1e-3
    if stray > ANGLE_TOLERANCE:
        said = f"the drive changes too fast for Aquila's {STEP_NS} ns knots (off by {stray:.2f} rad)"
        raise Refused(said, code="limit_exceeded")


def _refuse_turning(phase: Any, amplitude: Any) -> None:  # noqa: ANN401  numpy
    """A constant phase changes no population and is left out; one that changes cannot be sent with certainty.

    Amazon's page on Aquila gives the drive as Ω/2 e^{iφ}|g⟩⟨r| + h.c., its simulator computes Ω/2 e^{iφ}|r⟩⟨g| + h.c.:
    the sign of φ is not known, and with a changing phase it decides the outcome.
    """
    driven = phase[amplitude > 0]
    if len(driven) and float(driven.max() - driven.min()) > PHASE_TOLERANCE:
        raise Refused(
            "the drive's phase changes, and its sign on Aquila is documented in two ways", code="program_invalid"
        )


def _field(values: Sequence[float], resolution: Decimal) -> dict[str, Any]:
    times = [_text(place * STEP_NS * 1e-9, RESOLUTION["time"]) for place in range(len(values))]
    drawn = [_text(value, resolution) for value in values]
    return {"time_series": {"times": times, "values": drawn}, "pattern": "uniform"}


def _places(sequence: Any) -> list[tuple[float, float]]:  # noqa: ANN401  a Pulser sequence
    """Coordinates in µm that give the same interactions on Aquila, from its corner."""
    import numpy as np

    factor = (AQUILA_C6 / sequence.device.interaction_coeff) ** (1 / 6)
    places = np.array([np.asarray(place, dtype=float) for place in sequence.register.qubits.values()]) * factor
    if places.shape[1] != 2:  # noqa: PLR2004  a plane
        raise Refused("Aquila's atoms lie in a plane", code="program_invalid", pointer="/register")
    places -= places.min(axis=0)
    gaps = np.linalg.norm(places[:, None] - places[None, :], axis=-1)[np.triu_indices(len(places), 1)]
    if len(gaps) and gaps.min() < NEAREST_UM:
        raise Refused(f"atoms would be {gaps.min():.2f} µm apart, Aquila needs {NEAREST_UM:g}", code="limit_exceeded")
    rows = np.diff(np.unique(np.round(places[:, 1], 2)))
    if len(rows) and rows.min() < NEAREST_ROW_UM:
        raise Refused(
            f"rows would be {rows.min():.2f} µm apart, Aquila needs {NEAREST_ROW_UM:g}", code="limit_exceeded"
        )
    across, along = places.max(axis=0)
    if across > WIDTH_UM or along > HEIGHT_UM:
        raise Refused(
            f"the register would be {across:.0f} × {along:.0f} µm, Aquila has 75 × 128", code="limit_exceeded"
        )
    return [(float(x), float(y)) for x, y in places]


def _text(value: float, resolution: Decimal) -> str:
    """Braket's numbers are decimal text, in whole steps of what the machine resolves."""
    return str((Decimal(value) / resolution).to_integral_value() * resolution)
