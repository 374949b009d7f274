"""How do outcomes become counts keys? Classical bit i is key[i], index 0 leftmost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """Which qubit is read into which classical bit of ``width`` at the very end; unread bits stay 0."""

    qubits: tuple[int, ...]
    bits: tuple[int, ...]
    width: int

    def key(self, outcome: str) -> str:
        """The counts key of ``outcome``, which has one character per read qubit, in the order of ``bits``."""
        if len(self.bits) == self.width:
            return outcome
        digits = ["0"] * self.width
        for bit, digit in zip(self.bits, outcome, strict=True):
            digits[bit] = digit
        return "".join(digits)
