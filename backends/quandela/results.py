"""What did Quandela measure? Its results to integer counts per point, keys as ``|2,0>``; runs in a child process."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from backends.quandela.gates import bits_of
from backends.quandela.serial import RESULTS, Foreign, Unfit, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD = "result_invalid"
ROUNDED = "probabilities were turned into counts of the shots asked for, by largest remainder"
FOREIGN = "the vendor asked for a conversion by name (result_mapping); it was ignored"


def read(request: dict[str, Any]) -> dict[str, Any]:
    """``text`` of the vendor's ``results`` → ``points`` (counts) and ``warnings``.

    ``shots`` are those asked for per point, for probabilities; ``bits`` belong to a gate circuit (gates.py). A sweep's
    points come in the order of asking.

    Raises:
        Unfit: the text is not a result, or holds an object that is none.
    """
    results = _object(request["text"])
    warnings = [FOREIGN] if _names_a_function(results) else []
    entries = results.get("results_list", [results])
    if not isinstance(entries, list):
        raise Unfit("results_list is no list", code=BAD)
    points = [{"counts": _read(entry, request["shots"], warnings)} for entry in entries]
    if request["bits"]:
        points = [{"counts": bits_of(point["counts"], request["bits"])} for point in points]
    return {"points": points, "warnings": sorted(set(warnings))}


def _object(text: str) -> dict[str, Any]:
    try:
        results = json.loads(text)
    except ValueError as error:
        raise Unfit("the results are not JSON", code=BAD) from error
    if not isinstance(results, dict):
        raise Unfit("the results are no JSON object", code=BAD)
    return results


def _names_a_function(results: Mapping[str, Any]) -> bool:
    context = results.get("job_context")
    return isinstance(context, dict) and "result_mapping" in context


def _read(entry: object, shots: int | None, warnings: list[str]) -> dict[str, int]:
    if not isinstance(entry, dict) or not isinstance(entry.get("results"), str):
        raise Unfit("a result without outcomes", code=BAD)
    measured = opened(entry["results"], RESULTS)
    return _counts(measured, shots, warnings)


def _counts(measured: Foreign, shots: int | None, warnings: list[str]) -> dict[str, int]:
    kind = type(measured).__name__
    if kind == "BSSamples":
        tally: dict[str, int] = {}
        for state in measured:
            tally[_key(state)] = tally.get(_key(state), 0) + 1
        return tally
    if kind == "BSCount":
        return {_key(state): int(count) for state, count in measured.items() if count > 0}
    if shots is None:
        raise Unfit("probabilities, and the job's name does not say of how many shots", code=BAD)
    warnings.append(ROUNDED)
    return rounded({_key(state): float(chance) for state, chance in measured.items()}, shots)


def _key(state: Foreign) -> str:
    """``|2,0>``: detectors see no annotation."""
    return f"|{','.join(str(int(count)) for count in state)}>"


def rounded(chances: Mapping[str, float], shots: int) -> dict[str, int]:
    """Integer counts that sum to ``shots`` and lie within one of ``chance × shots``; the same every time."""
    total = sum(chances.values())
    if not chances or not math.isfinite(total) or total <= 0 or min(chances.values()) < 0:
        return {}
    exact = {key: chance / total * shots for key, chance in chances.items()}
    counts = {key: math.floor(value) for key, value in exact.items()}
    by_rest = sorted(exact, key=lambda key: (counts[key] - exact[key], key))
    for key in by_rest[: shots - sum(counts.values())]:
        counts[key] += 1
    return {key: count for key, count in sorted(counts.items()) if count}
