"""How long will a whole job hold a child? Reading its text, building it, every point, and handing out what came.

Simulation alone (choose.py, estimate.py) says nothing of a megabyte of text around two gates. Measured by
``circuit_of`` and ``exact.distribution`` on 2 cores, medians over 7 KB to 260 KB of text:

| text | seconds per byte | per operation |
|---|---|---|
| OpenQASM 2: h / rz, cx / expressions | 0.2e-6 to 0.5e-6 | 2e-6 to 5e-6 |
| OpenQASM 3, the subset that we read ourselves | 0.4e-6 to 0.6e-6 | 3e-6 to 8e-6 |
| OpenQASM 3, whole grammar (expressions, loops) | 15e-6 to 25e-6 | 380e-6 to 640e-6 |
| OpenQASM 2, gate definitions that nothing uses | 3e-6 | |
| comments and space only | 0.01e-6 to 0.2e-6 | |

Which grammar a text needs is known only once it is read, so the usual one is assumed; ``Pace`` finds out who is slower.
"""

from __future__ import annotations

from collections import OrderedDict

PER_BYTE = 6e-7
PER_OPERATION = 2e-6
PER_OUTCOME = 1e-6
# Seconds of the processor below which nobody minds that a run took longer than foreseen.
WRONG_S = 0.1
MOST_MEMBERS = 4096


def whole_s(simulation_s: float, *, size: int, operations: int, points: int, outcomes: int) -> float:
    """Seconds of a child. ``size`` is the program's bytes, ``outcomes`` how many different ones a point may have."""
    reading = size * PER_BYTE + operations * PER_OPERATION
    return reading + simulation_s + points * outcomes * PER_OUTCOME


class Pace:
    """How many times longer than estimated the programs of each member take; 1 until proved otherwise."""

    def __init__(self) -> None:
        self._factors: OrderedDict[str, float] = OrderedDict()

    def of(self, member: str) -> float:
        return self._factors.get(member, 1.0)

    def learn(self, member: str, *, expected_s: float, took_s: float) -> None:
        """A run that proves the estimate wrong counts at once, the others let it fade."""
        known = self.of(member)
        factor = took_s / max(expected_s, 1e-6)
        if took_s > WRONG_S and factor > known:
            self._factors[member] = factor
            self._factors.move_to_end(member)
            while len(self._factors) > MOST_MEMBERS:
                self._factors.popitem(last=False)
        elif known > 1.0:
            self._factors[member] = max(1.0, known / 2)
            if self._factors[member] == 1.0:
                del self._factors[member]
