"""What do result types come to? Values from measured shots, in the service's form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def plain(value: Any) -> Any:  # noqa: ANN401  numpy and complex values as JSON
    """For ``json.dumps``: complex numbers as ``[re, im]``, arrays as lists."""
    if isinstance(value, complex) or type(value).__name__.startswith("complex"):
        return [float(value.real), float(value.imag)]
    return value.tolist() if hasattr(value, "tolist") and not _is_complex(value) else list(value)


def _is_complex(value: Any) -> bool:  # noqa: ANN401  a numpy array
    return str(getattr(value, "dtype", "")).startswith("complex")


def result_types(asked: Sequence[Any], rows: Any, columns: Sequence[int]) -> list[dict[str, Any]]:  # noqa: ANN401
    """One ``{type, value}`` for each result type that the program asks for."""
    return [{"type": json.loads(kind.json()), "value": _value(kind, rows, columns)} for kind in asked]


def _value(kind: Any, rows: Any, columns: Sequence[int]) -> Any:  # noqa: ANN401  numpy
    place = {qubit: at for at, qubit in enumerate(columns)}
    targets = list(kind.targets) if getattr(kind, "targets", None) else None
    if kind.type == "probability":
        return _probabilities(rows[:, [place[qubit] for qubit in targets]] if targets else rows)
    if targets:
        return _statistic(kind.type, _samples(kind.observable, targets, rows, place))
    return [_statistic(kind.type, _samples(kind.observable, [qubit], rows, place)) for qubit in columns]


def _probabilities(rows: Any) -> list[float]:  # noqa: ANN401  numpy
    import numpy as np

    counts = np.bincount(_numbers(rows), minlength=1 << rows.shape[1])
    chances: list[float] = (counts / len(rows)).tolist()
    return chances


def _numbers(rows: Any) -> Any:  # noqa: ANN401  numpy
    return rows.astype(int) @ (1 << np_arange_down(rows.shape[1]))


def np_arange_down(width: int) -> Any:  # noqa: ANN401  numpy
    """Exponents of two for big-endian rows."""
    import numpy as np

    return np.arange(width - 1, -1, -1)


def _samples(observable: Any, targets: Sequence[int], rows: Any, place: dict[int, int]) -> Any:  # noqa: ANN401
    """The eigenvalue that each shot stands for, in the basis that the simulator has rotated to."""
    from braket.default_simulator.result_types import _from_braket_observable

    values = _from_braket_observable(observable, list(targets)).eigenvalues
    return values.real[_numbers(rows[:, [place[qubit] for qubit in targets]])]


def _statistic(kind: str, samples: Any) -> Any:  # noqa: ANN401  numpy
    if kind == "sample":
        return samples.tolist()
    return float(samples.mean() if kind == "expectation" else samples.var())
