"""Does intake refuse what no machine can do with measured bits, at its place, and let through what one can?"""

from __future__ import annotations

import pytest

from backends.invalid import Invalid
from backends.openqasm.parse import circuit_of
from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.support.hostile.openqasm import HEAD2, HEAD3

START = f"{HEAD3}qubit[3] q; bit[3] c; bit d; const int n = 2;\nh q; c[0] = measure q[0]; d = measure q[1];\n"

DECIDED = (
    "c == 3", "c != n + 1", "3 == c", 'c == "010"', "c[0:1] == 2", "int(c) == 1", "uint[3](c) == 1", "c == 1 || c == n",
    "c[0]", "!c[0]", "~c[0]", "c[0] == true", "c[0] != 1", "1 == d", "bool(d)", "(c == 3) == 1", "c[n]",
    "c[0] && c[1]", "c[0] || d", "c[0] ^ c[1] ^ d", "c[0] & d", "!(c[0] == 1)", "c == 3 && d", "d && n > 1",
)  # fmt: skip
# Condition -> the word at fault, counted in characters of the condition.
UNDECIDED = {
    "c > 1": 2, "c < 1": 2, "c >= 1": 2, "c <= 1": 2, "c[0] > 0": 5, "int(c) > 1": 7, "d && c > 1": 7,
    "c + 1 == 2": 2, "c % 2 == 0": 2, "c << 1 == 2": 2, "-c == 1": 0, "~c == 1": 0, "-d": 0,
    "c == c": 2, "c[0] == c[1]": 5, "c[0] != d": 5, "(c == 3) == d": 9, "c == -1": 2,
    "c": 0, "!c": 0, "bool(c)": 0, "c[0:1]": 0, "c && d": 2, "c ^ c[0]": 2, "c & 1": 2,
    "popcount(c) == 1": 0, "c[d]": 2,
}  # fmt: skip
# Statement -> where the fault begins.
ELSEWHERE = {
    "rx(c[0]) q[2];": 3, "rx(2 * d) q[2];": 5, "pow(c) @ x q[2];": 4, "x q[c];": 4, "delay[c * 1ns] q[2];": 8,
    "int k = c;": 8, "bool b = c[0];": 9, "bool b = measure q[0];": 9, "c[1] = c[0];": 7, "bit e = c[0];": 8,
    "int k = 0; if (d) { k = 1; }": 20, "int k = 0; if (d) { x q[2]; } else if (n > 1) { k += 1; }": 48,
    "if (d) { x q[2]; } else if (c > 1) { x q[2]; }": 30,
    "for int i in [0:2] { if (d) { break; } }": 30, "for int i in [0:2] { continue; }": 21,
}  # fmt: skip


def ran(statement):
    circuit_of("openqasm3", f"{START}{statement}")


def refusal(statement):
    with pytest.raises(ProgramInvalid) as caught:
        inspect(Program.of(Format.OPENQASM3, f"{START}{statement}"))
    return caught.value


@pytest.mark.parametrize("condition", DECIDED)
def test_a_condition_that_a_machine_can_decide_passes(condition):
    statement = f"if ({condition}) {{ x q[2]; }}"
    assert inspect(Program.of(Format.OPENQASM3, f"{START}{statement}")).dynamic
    ran(statement)


def test_a_condition_that_is_known_before_the_run_asks_for_no_control():
    assert not inspect(Program.of(Format.OPENQASM3, f"{START}if (n > 1) {{ x q[2]; }}")).dynamic


@pytest.mark.parametrize("condition", UNDECIDED)
def test_a_condition_that_no_machine_can_decide_is_refused_at_its_operator(condition):
    statement = f"if ({condition}) {{ x q[2]; }}"
    found = refusal(statement)
    line = START.count("\n") + 1
    assert (found.code, found.line, found.column) == ("program_unsupported", line, 5 + UNDECIDED[condition])
    with pytest.raises(Invalid):
        ran(statement)


@pytest.mark.parametrize("statement", ELSEWHERE)
def test_a_measured_bit_decides_and_nothing_else(statement):
    found = refusal(statement)
    line = START.count("\n") + 1
    assert (found.code, found.line, found.column) == ("program_unsupported", line, 1 + ELSEWHERE[statement])
    with pytest.raises(Invalid):
        ran(statement)


def test_an_angle_of_openqasm_2_is_no_bit():
    source = f"{HEAD2}qreg q[1]; creg c[1];\nrx(c) q[0];"
    with pytest.raises(ProgramInvalid) as caught:
        inspect(Program.of(Format.OPENQASM2, source))
    line = source.count("\n") + 1
    assert (caught.value.code, caught.value.line, caught.value.column) == ("program_unsupported", line, 4)


def test_a_variable_may_change_where_no_measurement_decides():
    statements = "int k = 0; if (n > 1) { k = 1; } if (d) { x q[2]; } k = 2; rx(k) q[2];"
    assert inspect(Program.of(Format.OPENQASM3, f"{START}{statements}")).operations
    ran(statements)
