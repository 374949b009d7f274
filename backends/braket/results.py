"""What did a task measure? Braket's result documents as histograms in the normal form's bit order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.errors import Refused, Unreadable
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from backends.braket.layout import Bits

GATE = "braket.task_result.gate_model_task_result"
SET = "braket.task_result.program_set_task_result"
AHS = "braket.task_result.analog_hamiltonian_simulation_task_result"
_REFUSED = {
    "braket.task_result.annealing_task_result": "annealing results have no place in our normal form",
    "braket.task_result.photonic_model_task_result": "photonic results of Braket have no place in our normal form",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Histograms, one for each point, with what has to be said about them."""

    points: tuple[Outcomes, ...]
    warnings: tuple[str, ...] = ()
    run_ms: int = 0
    compiled: str | None = None


def read(
    document: Mapping[str, Any], *, bits: Bits | None, shots: int, part: Callable[[str], Mapping[str, Any]]
) -> Reading:
    """Any result document. ``bits`` is the layout from the task's tags; ``shots`` what the task ran.

    ``part`` reads, by its relative path, a part of a program set's result that stands in an object of its own.

    Raises:
        Refused: a kind of result that is not ours to read.
    """
    kind = (document.get("braketSchemaHeader") or {}).get("name", "")
    if kind == GATE:
        return _gate(document, bits, shots)
    if kind == SET:
        return _set(document, bits, shots, part)
    if kind == AHS:
        return _atoms(document)
    raise Refused(f"braket: {_REFUSED.get(kind, f'unknown result form {kind!r}')}")


def _gate(document: Mapping[str, Any], bits: Bits | None, shots: int) -> Reading:
    about = document.get("additionalMetadata") or {}
    action = about.get("action") or {}
    counts, warning = _counts(document, bits, shots)
    inputs = {name: float(value) for name, value in (action.get("inputs") or {}).items()}
    return Reading(
        points=(Outcomes(counts=counts, bindings=inputs),),
        warnings=(warning,) if warning else (),
        run_ms=_run_ms(about),
        compiled=_compiled(about) or action.get("source"),
    )


def _run_ms(about: Mapping[str, Any]) -> int:
    return int((about.get("simulatorMetadata") or {}).get("executionDuration") or 0)


def _compiled(about: Mapping[str, Any]) -> str | None:
    """What the QPU's own compiler made of the program."""
    for name, part in about.items():
        if name.endswith("Metadata") and isinstance(part, dict) and part.get("compiledProgram"):
            return str(part["compiledProgram"])
    return None


def _counts(measured: Mapping[str, Any], bits: Bits | None, shots: int) -> tuple[dict[str, int], str]:
    """A histogram from single shots, or from probabilities where the device gives only those."""
    columns = measured.get("measuredQubits") or []
    place = _places(columns, bits)
    if measured.get("measurements"):
        rows = Counter("".join(map(str, row)) for row in measured["measurements"])
        if set(map(len, rows)) != {len(columns)}:
            raise Unreadable("braket: the result's shots are not of one length")
        return _keyed(rows, place), ""
    if measured.get("measurementProbabilities"):
        whole = _whole(measured["measurementProbabilities"], shots)
        return _keyed(whole, place), "the device reports probabilities; counts are rounded to sum to the shots"
    raise Refused("braket: the result has no measurements (shots=0 results are not supported)")


def _places(columns: Sequence[int], bits: Bits | None) -> list[int | None]:
    """For each classical bit the column that holds it; None for a bit that was never measured."""
    if bits is None:
        return list(range(len(columns)))
    column = {qubit: place for place, qubit in enumerate(columns)}
    try:
        return [None if qubit is None else column[qubit] for qubit in bits]
    except KeyError as error:
        raise Refused(f"braket: the result lacks qubit {error}") from None


def _keyed(rows: Mapping[str, int], place: Sequence[int | None]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row, count in rows.items():
        counts["".join("0" if at is None else row[at] for at in place)] += count
    return dict(counts)


def _whole(probabilities: Mapping[str, float], shots: int) -> dict[str, int]:
    """Integers that sum to ``shots``: the largest remainders are rounded up."""
    total = sum(probabilities.values()) or 1.0
    exact = {key: value / total * shots for key, value in probabilities.items()}
    counts = {key: int(value) for key, value in exact.items()}
    missing = shots - sum(counts.values())
    for key in sorted(exact, key=lambda key: (counts[key] - exact[key], key))[:missing]:
        counts[key] += 1
    return {key: count for key, count in counts.items() if count}


def _set(
    document: Mapping[str, Any], bits: Bits | None, shots: int, part: Callable[[str], Mapping[str, Any]]
) -> Reading:
    points: list[Outcomes] = []
    warnings: list[str] = []
    run_ms, source = 0, None
    asked = document["taskMetadata"]
    asked = part(asked) if isinstance(asked, str) else asked
    programs = [_whole_part(each, part) for each in document["programResults"]]
    each_shots = _each_shots(asked, programs, shots)
    for program in programs:
        origin = _whole_part(program["source"], part)
        source = source or origin.get("source")
        run_ms += _run_ms(program.get("additionalMetadata") or {})
        for executable in program["executableResults"]:
            outcomes, warning = _executable(_whole_part(executable, part), origin, bits, each_shots)
            warnings += [f"point {len(points)}: {warning}"] if warning else []
            points.append(outcomes)
    return Reading(points=tuple(points), warnings=tuple(warnings), run_ms=run_ms, compiled=source)


def _whole_part(value: Any, part: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:  # noqa: ANN401  JSON
    found: Mapping[str, Any] = part(value) if isinstance(value, str) else value
    return found


def _each_shots(asked: Mapping[str, Any], programs: Sequence[Mapping[str, Any]], shots: int) -> int:
    executables = sum(len(program["executableResults"]) for program in programs)
    return int(asked.get("requestedShots") or shots) // max(executables, 1)


def _executable(
    executable: Mapping[str, Any], origin: Mapping[str, Any], bits: Bits | None, shots: int
) -> tuple[Outcomes, str]:
    index = int(executable["inputsIndex"])
    bindings = {name: float(values[index]) for name, values in (origin.get("inputs") or {}).items()}
    failure = executable.get("failureMetadata")
    if failure:
        return Outcomes(counts={}, bindings=bindings), f"failed: {failure.get('failureReason')}"
    counts, warning = _counts(executable, bits, shots)
    return Outcomes(counts=counts, bindings=bindings), warning


def _atoms(document: Mapping[str, Any]) -> Reading:
    """1 = Rydberg: an atom that was there before and is gone after; sites that were to stay empty are left out."""
    filled = _filled(document)
    counts: Counter[str] = Counter()
    lost = 0
    for shot in document.get("measurements") or ():
        before, after = shot["shotResult"].get("preSequence"), shot["shotResult"].get("postSequence")
        if shot["shotMetadata"]["shotStatus"].lower() != "success" or not before or not after:
            lost += 1
            continue
        sites = [place for place, full in enumerate(filled or [1] * len(before)) if full]
        if not all(before[place] for place in sites):
            lost += 1
            continue
        counts["".join("0" if after[place] else "1" for place in sites)] += 1
    warning = f"{lost} shots left out: an atom was missing before the sequence, or the shot failed"
    return Reading(
        points=(Outcomes(counts=dict(counts)),),
        warnings=(warning,) if lost else (),
        run_ms=_run_ms(document.get("additionalMetadata") or {}),
        compiled=json.dumps(action) if (action := _action(document)) else None,
    )


def _action(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The AHS program as sent: what a Pulser sequence became can be read here."""
    return (document.get("additionalMetadata") or {}).get("action") or {}


def _filled(document: Mapping[str, Any]) -> list[int]:
    action = _action(document)
    filling: list[int] = ((action.get("setup") or {}).get("ahs_register") or {}).get("filling") or []
    return filling
