"""What is a power of a gate? That of its matrix, on the principal branch: eigenphases above -pi, up to pi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backends.invalid import Foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from backends.openqasm.expand import Plain

# An eigenphase of pi that rounding made one of -pi is still pi.
_EDGE = 1e-12


def power_of(gates: Sequence[Plain], exponents: Sequence[float], width: int | None = None) -> NDArray[np.complex128]:
    """Of what ``gates`` do together on ``width`` qubits, or all of theirs, one exponent after the other."""
    from backends.openqasm.operations import operation_of

    made: Foreign = operation_of(gates, width)
    matrix: NDArray[np.complex128] = made
    for exponent in exponents:
        matrix = _power(matrix, exponent)
    return matrix


def _power(matrix: NDArray[np.complex128], exponent: float) -> NDArray[np.complex128]:
    if exponent == int(exponent):
        return np.linalg.matrix_power(matrix, int(exponent))
    from scipy.linalg import schur  # type: ignore[import-untyped] # comes with Qiskit, without types

    triangle, turned = schur(matrix, output="complex")
    phases = np.angle(np.diag(triangle))
    phases = np.where(phases <= _EDGE - np.pi, np.pi, phases)
    powered: NDArray[np.complex128] = (turned * np.exp(1j * phases * exponent)) @ turned.conj().T
    return powered
