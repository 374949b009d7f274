"""Does a program mean the same when its loops, variables and conditions are worked out?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backends.invalid import Invalid
from backends.openqasm import parse
from tests.unit.backends.local.test_run_gate import answer

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\n'

# What a user writes, and what it means.
SAME = {
    "for int i in [0:2] { rx(i) q[i]; }": "rx(0) q[0]; rx(1) q[1]; rx(2) q[2];",
    "for int i in [2:-1:0] { rx(i + 1) q[i]; }": "rx(3) q[2]; rx(2) q[1]; rx(1) q[0];",
    "for uint i in {2, 0} { h q[i]; }": "h q[2]; h q[0];",
    "for int i in [0:1] { for int j in [i:1] { cp(pi/(i+j+1)) q[i], q[j+1]; } }": (
        "cp(pi) q[0], q[1]; cp(pi/2) q[0], q[2]; cp(pi/3) q[1], q[2];"
    ),
    "const int n = 3; const float a = n * pi / 8; rx(a) q[n - 1];": "rx(3 * pi / 8) q[2];",
    "int n = 0; for int i in [0:2] { n += 2; rx(n) q[i]; } rz(n) q[0];": (
        "rx(2) q[0]; rx(4) q[1]; rx(6) q[2]; rz(6) q[0];"
    ),
    "uint[2] n = 3; n += 1; rx(n) q[0]; int[3] m = 3; m += 1; rx(m) q[1];": "rx(0) q[0]; rx(-4) q[1];",
    "int n = 3; if (n / 2 == 1) { n = 7; } else { n = 9; } rx(n % 4) q[0];": "rx(3) q[0];",
    "for int i in [0:2] { if (i < 2) cx q[i], q[i + 1]; else h q[i]; }": "cx q[0], q[1]; cx q[1], q[2]; h q[2];",
    "for int i in [3:1] { x q[i + 9]; } x q[0];": "x q[0];",
    "const int n = 3; rx(pow(2, n) / 3) q[0]; rx(mod(7, 4) / 2) q[1];": "rx(2) q[0]; rx(1) q[1];",
    "gate u_(t) a { sdg a; rx(t) a; } pow(2) @ u_(0.7) q[0]; inv @ pow(2) @ u_(0.3) q[1];": (
        "sdg q[0]; rx(0.7) q[0]; sdg q[0]; rx(0.7) q[0]; rx(-0.3) q[1]; s q[1]; rx(-0.3) q[1]; s q[1];"
    ),
    "gate u_ a, b { sx a; cx a, b; } pow(0.5) @ u_ q[0], q[2]; pow(0.5) @ u_ q[0], q[2];": "sx q[0]; cx q[0], q[2];",
    "pow(-2) @ t q[0]; pow(3) @ rx(0.2) q[1]; pow(0) @ h q[2]; pow(1/2) @ x q[2];": "sdg q[0]; rx(0.6) q[1];",
    "pow(0.5) @ p(3 * pi / 2) q[0]; ctrl @ pow(1.0 / 3) @ inv @ s q[0], q[1];": (
        "p(-pi / 4) q[0]; cp(-pi / 6) q[0], q[1];"
    ),
    "gate half(t) a { rx(t / 2) a; } half(1) q[0]; for int i in [3:3] { half(i) q[1]; }": "rx(0.5) q[0]; rx(1.5) q[1];",
    "let r = q[1:2] ++ q[0]; h r[2]; x r[-1]; let one = q[1]; y one;": "h q[0]; x q[0]; y q[1];",
    "rx(sin(pi / 3) ** 2 + sqrt(2.0)) q[0]; ry(arccos(0.25)) q[1]; rz(tau / 3) q[2];": (
        "rx(2.164213562373095) q[0]; ry(1.318116071652818) q[1]; rz(2.0943951023931953) q[2];"
    ),
    "int k = 1; rx(7 / 2) q[k]; rx(-7 / 2) q[k]; rx(float(7) / 2) q[k];": "rx(3.5) q[1];",
    "if (2 > 1) { x q[0]; } else { h q[0]; } if (false) { y q[1]; }": "x q[0];",
    "const float a = 0.3; gate turn(t) c { rx(t * a) c; } turn(2) q[1];": "rx(0.6) q[1];",
    "box { h q[0]; } delay[10ns] q[0]; let r = q[1:2]; h r[0];": "h q[0]; h q[1];",
    "h q[0]; measure q;": "h q[0];",
}


def operator(text):
    from qiskit.quantum_info import Operator

    return Operator(parse.circuit_of("openqasm3", HEAD + text).plain).data


@pytest.mark.parametrize("text", SAME)
def test_what_is_known_before_the_run_is_worked_out(text):
    assert np.allclose(operator(text), operator(SAME[text]))


CONDITIONS = {
    "c[0]": lambda a, b: a,
    "!c[0]": lambda a, b: not a,
    "c[0] == 1": lambda a, b: a,
    "0 == c[1]": lambda a, b: not b,
    "c[0] != true": lambda a, b: not a,
    "c[0] && c[1]": lambda a, b: a and b,
    "c[0] || c[1]": lambda a, b: a or b,
    "!(c[0] && !c[1])": lambda a, b: not (a and not b),
    "c[0] ^ c[1]": lambda a, b: a != b,
    "c[0] ^ c[1] ^ c[0]": lambda a, b: b,
    "(c[0] ^ c[1]) == true": lambda a, b: a != b,
    "(c[0] && c[1]) == false": lambda a, b: not (a and b),
    "c[0] == 2": lambda a, b: False,
    "c == 2": lambda a, b: b and not a,
    "c != 2": lambda a, b: not (b and not a),
    "c == 1 || c == 2": lambda a, b: a != b,
    'c == "10"': lambda a, b: b and not a,
    "bool(c[0])": lambda a, b: a,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_is_true_when_its_bits_say_so(condition):
    wanted, seen = {}, {}
    for a, b in itertools.product((0, 1), repeat=2):
        prepared = f"{'x q[0]; ' * a}{'x q[1]; ' * b}"
        text = f"{HEAD}bit[2] c; bit d; {prepared}c[0] = measure q[0]; c[1] = measure q[1];\n"
        text += f"if ({condition}) {{ x q[2]; }} else {{ z q[2]; }}\nd = measure q[2];\n"
        (counts,) = answer(text, "aer", "stabilizer", form="openqasm3", shots=3)["counts"]
        seen[a, b] = counts
        wanted[a, b] = {f"{a}{b}{int(CONDITIONS[condition](a, b))}": 3}
    assert seen == wanted


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("int i = 1 / 0;", "division by zero", 4, 11),
        ("bit c;\nc = measure q[0];\nint k = 0;\nif (c) { k = 1; }", "'k' would depend on measured bits", 7, 10),
        ("for int i in [0:0:5] { h q[i]; }", "this loop has step 0", 4, 14),
        ("bit c;\nc = measure q[0];\nwhile (c) { c = measure q[0]; }", "'while' has no bound", 6, 1),
        ("for int i in [0:1] { break; }", "leaving a loop early", 4, 22),
        ("int n = 1000; rx(exp(n)) q[0];", "no finite real value", 4, 18),
        ("rx(2 ** 3 ** 1000) q[0];", "no finite real value", 4, 11),
        ("int n = 3; x q[n];", "index 3 is out of range", 4, 15),
        ("gate g(t) a { rx(1 / t) a; }\ng(1.0) q[0]; g(0) q[0];", "division by zero", 5, 14),
    ],
)
def test_what_cannot_be_worked_out_is_refused_with_its_place(text, message, line, column):
    with pytest.raises(Invalid, match=message.replace("*", r"\*")) as caught:
        parse.circuit_of("openqasm3", HEAD + text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_expansion_is_bounded():
    loops = "for int i in [0:1999] { for int j in [0:1999] { h q[0]; } }"
    with pytest.raises(Invalid, match="expands to more than 1000000 operations"):
        parse.circuit_of("openqasm3", HEAD + loops)
