"""Does our reading of OpenQASM mean what others read? ``python -m tests.fuzz.readings --cases 500000 --seed 1``.

Programs are made from a grammar: user's gates under engines' names, comments, odd spacing, integers, modifiers, loops,
branches on what is known. Each is admitted, built, and compared as a state: OpenQASM 2 with Qiskit's importer,
OpenQASM 3 with Braket's interpreter. Case N of a seed is always the same. Exit code 1: one differs, or is not built.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import warnings

import numpy as np

from backends.local.exact import final_state
from backends.openqasm.parse import circuit_of
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect

CLOSE = 1e-6
MOST_SHOWN = 20
# Names that engines know for something else.
NAMES = ("rzz", "ryy", "r", "initialize", "unitary", "mcx", "kraus", "delay_", "ccz", "dcx", "pauli", "own", "rzx")
ONE2 = (
    ("h", 0),
    ("x", 0),
    ("sdg", 0),
    ("t", 0),
    ("id", 0),
    ("rx", 1),
    ("ry", 1),
    ("rz", 1),
    ("u1", 1),
    ("u2", 2),
    ("u3", 3),
)
TWO2 = (("cx", 0), ("cz", 0), ("cy", 0), ("ch", 0), ("swap", 0), ("crz", 1), ("cu1", 1), ("cu3", 3))
ONE3 = (
    ("h", 0),
    ("x", 0),
    ("si", 0),
    ("ti", 0),
    ("v", 0),
    ("i", 0),
    ("rx", 1),
    ("ry", 1),
    ("rz", 1),
    ("gpi", 1),
    ("prx", 2),
)
TWO3 = (
    ("cnot", 0),
    ("cz", 0),
    ("iswap", 0),
    ("ecr", 0),
    ("xx", 1),
    ("zz", 1),
    ("cphaseshift", 1),
    ("xy", 1),
    ("pswap", 1),
)


class Maker:
    """One program of version 2 or 3."""

    def __init__(self, seed: str, version: int) -> None:
        self.draw = random.Random(seed)
        self.version = version
        # Braket's simulator does a controlled gate wrongly where other qubits stand between more than three.
        self.width = self.draw.randint(2, 4 if version == 2 else 3)
        self.gates: list[tuple[str, int, int]] = []
        self.consts: list[str] = []

    def source(self) -> str:
        old = self.version == 2
        lines = ['OPENQASM 2.0;\ninclude "qelib1.inc";' if old else "OPENQASM 3.0;"]
        if not old:
            self.consts = ["n_"]
            lines.append(f"const int n_ = {self.draw.randint(2, 7)};")
        lines += [self.gate(name) for name in self.draw.sample(NAMES, self.draw.randint(0, 2))]
        lines.append(f"qreg q[{self.width}];" if old else f"qubit[{self.width}] q;")
        if old:
            lines.append("creg c[2]; // creg d[1];")
        lines += [self.statement() for _ in range(self.draw.randint(3, 10))]
        return self.odd("\n".join(lines)) + "\n"

    def odd(self, text: str) -> str:
        """Gaps and comments where nobody expects them."""
        comments = [" // if (c==1) x q[0];\n", '\n// include "mine.inc";\n', "\t", "  \n "]
        if self.version == 3:
            comments.append(" /* h q[0]; \n gate */ ")
        return "".join(
            found + (self.draw.choice(comments) if found in ";," and self.draw.random() < 0.15 else "")
            for found in text
        )

    def gate(self, name: str) -> str:
        if name == "rzz" and self.version == 2:
            angles, qubits = 1, 2  # a standard one may be defined again as it is called
        else:
            angles, qubits = self.draw.randint(0, 2), self.draw.randint(1, 2)
        formal, operands = [f"t{place}" for place in range(angles)], ["a", "b"][:qubits]
        body = [self.call(operands, formal) for _ in range(self.draw.randint(1, 3))]
        self.gates.append((name, angles, qubits))
        head = f"({','.join(formal)})" if formal else ""
        return f"gate {name}{head} {','.join(operands)} {{ {' '.join(body)} }}"

    def call(self, operands: list[str], names: list[str]) -> str:
        known = [(name, angles, qubits) for name, angles, qubits in self.gates if qubits <= len(operands)]
        ones, twos = (ONE2, TWO2) if self.version == 2 else (ONE3, TWO3)
        known += [(name, angles, 1) for name, angles in self.draw.sample(ones, 3)]
        known += [(name, angles, 2) for name, angles in self.draw.sample(twos, 2) if len(operands) > 1]
        name, angles, qubits = self.draw.choice(known)
        own = qubits > 1 or (name, angles, qubits) in self.gates
        modifiers, controls = self.modifiers(len(operands) - qubits, own=own)
        given = f"({', '.join(self.real(names) for _ in range(angles))})" if angles else ""
        targets = self.draw.sample(operands, qubits + controls)
        return f"{modifiers}{name}{given} {', '.join(targets)};"

    def modifiers(self, free: int, *, own: bool) -> tuple[str, int]:
        """No power of a gate with a body: Braket's interpreter takes that of each gate inside."""
        if self.version == 2 or self.draw.random() < 0.7:
            return "", 0
        if free and self.draw.random() < 0.5:
            return self.draw.choice(["ctrl @ ", "negctrl @ ", "inv @ ctrl @ "]), 1
        powers = () if own else ("pow(2) @ ", "pow(-1) @ ", "inv @ pow(3) @ ")
        return self.draw.choice(("inv @ ", *powers)), 0

    def statement(self, names: tuple[str, ...] = (), depth: int = 0) -> str:
        operands = [f"q[{place}]" for place in range(self.width)]
        kind = self.draw.random()
        if self.version == 2 or kind < 0.55:
            if kind < 0.08 and not depth:
                return f"{'h' if self.draw.random() < 0.5 else 'x'} q;"
            return self.call(operands, list(names))
        if kind < 0.75 and depth < 2:
            name = f"i{depth}"
            inner = self.statement((*names, name), depth + 1)
            low, high = self.draw.randint(0, 1), self.draw.randint(1, 2)
            return f"for int {name} in [{low}:{high}] {{ {inner} x q[({self.whole([*names, name])}) % {self.width}]; }}"
        if kind < 0.88:
            inner, other = self.call(operands, list(names)), self.call(operands, list(names))
            compared = self.draw.choice(["==", "<", ">=", "!="])
            return f"if ({self.whole(names)} {compared} {self.whole(names)}) {{ {inner} }} else {{ {other} }}"
        return f"rx(0.25 * ({self.whole(names)})) q[{self.draw.randrange(self.width)}];"

    def whole(self, names) -> str:
        """Never negative, and no quotient that is not whole: Braket's interpreter makes a real number of it."""
        atoms = [*names, *self.consts, str(self.draw.randint(0, 9))]
        one, other = self.draw.choice(atoms), self.draw.choice(atoms)
        form = self.draw.choice(["{0}", "{0} + {1}", "{0} * {1}", "({0} * 6) / 3", "{0} % 3", "{0} * 4 / 2 + {1}"])
        return form.format(one, other)

    def real(self, names: list[str]) -> str:
        number = f"{self.draw.uniform(0, 3):.3f}"
        if self.version == 3 and self.draw.random() < 0.2 and self.consts:
            return f"pi * {self.draw.choice(self.consts)} / 4"
        if names and self.draw.random() < 0.6:
            return self.draw.choice(["{0}", "-{0}", "{0}/2.0", "{0}*{1}", "{0}+pi/4"]).format(
                self.draw.choice(names), number
            )
        return self.draw.choice(
            [number, f"pi/{self.draw.randint(2, 8)}", f"-{number}", f"({number}+1)*0.5", f"sin({number})"]
        )


def difference(number: int, seed: int, version: int) -> str | None:
    """What is wrong with case ``number``, or None."""
    source = Maker(f"{seed}/{version}/{number}", version).source()
    form = Format.OPENQASM2 if version == 2 else Format.OPENQASM3
    try:
        inspect(Program.of(form, source))
        ours = final_state(circuit_of(form.value, source).plain)
    except Exception as error:  # noqa: BLE001  whatever it is, it is wrong
        return f"case {number}: {type(error).__name__}: {error}\n{source}"
    theirs = by_qiskit(source) if version == 2 else by_braket(source)
    if abs(abs(np.vdot(ours, theirs)) - 1) > CLOSE:
        return f"case {number}: another state\n{source}"
    return None


def by_qiskit(source: str) -> np.ndarray:
    """The state by Qiskit's importer, which would take its own gate for a user's of the same name."""
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    known = [each for each in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if each.name not in NAMES]
    circuit = qasm2.loads(source, custom_instructions=known, strict=False)
    return Statevector(circuit.reverse_bits()).data


def by_braket(source: str) -> np.ndarray:
    """The state by Braket's interpreter and simulator."""
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program as Braket

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = StateVectorSimulator().run(Braket(source=f"{source}i q;\n#pragma braket result state_vector"), shots=0)
    return np.asarray(made.resultTypes[0].value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # Braket's interpreter says of each loop that devices may not take it
    wrong: list[str] = []
    for number in range(given.first, given.first + given.cases):
        found = difference(number, given.seed, 2 + number % 2)
        if found is not None and len(wrong) < MOST_SHOWN:
            print(found, flush=True)
        wrong += [found] if found is not None else []
    print(f"{given.cases} programs read, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
