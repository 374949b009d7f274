"""What becomes of a number that a variable of some type takes? Integers have widths, and wrap as the language says."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from broker.intake.qasm.terms import computed

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.qasm.symbols import Value

_WIDEST = 64


def kept_as(word: str, width: int) -> Callable[[Value], Value]:
    """``word`` of so many bits; 0 where no width is written."""
    return _kept(word, min(width or _WIDEST, _WIDEST))


@cache
def _kept(word: str, bits: int) -> Callable[[Value], Value]:
    kinds: dict[str, Callable[[float], float]] = {
        "int": _signed(bits),
        "uint": _unsigned(bits),
        "bool": bool,
        "float": float,
        "angle": float,
    }
    make = kinds[word]

    def kept(value: Value) -> Value:
        return computed(word, make, value)

    return kept


def _unsigned(bits: int) -> Callable[[float], int]:
    def make(value: float) -> int:
        return int(value) % (1 << bits)

    return make


def _signed(bits: int) -> Callable[[float], int]:
    half = 1 << (bits - 1)

    def make(value: float) -> int:
        return (int(value) + half) % (2 * half) - half

    return make
