"""Does intake read OpenQASM as its users write it, and point at what is wrong?"""

from __future__ import annotations

import sys

import pytest

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.domain.requirement import Register
from broker.intake.inspect import inspect
from tests.support.hostile.openqasm import BELL2, BELL3, HEAD2, HEAD3


def read(source, form=Format.OPENQASM3):
    return inspect(Program.of(form, source))


def refused(source, form=Format.OPENQASM3):
    with pytest.raises(ProgramInvalid) as caught:
        read(source, form)
    return caught.value


@pytest.mark.parametrize(("form", "source"), [(Format.OPENQASM2, BELL2), (Format.OPENQASM3, BELL3)])
def test_a_bell_pair_needs_two_qubits_two_gates_and_two_bits(form, source):
    found = read(source, form)
    assert (found.width, found.gates, found.operations) == (2, ((1, 1), (2, 1)), 4)
    assert found.registers == (Register(name="c", size=2, offset=0),)
    assert found.clifford
    assert not found.dynamic
    assert not found.implicit_measurement
    assert (found.shots, found.points) == (1, 1)


def test_registers_keep_their_declaration_order_and_offsets():
    found = read(HEAD2 + "creg b[3]; qreg q[2]; creg a[1]; measure q[0] -> a[0];", Format.OPENQASM2)
    assert found.registers == (Register(name="b", size=3, offset=0), Register(name="a", size=1, offset=3))


def test_a_program_without_measurement_measures_everything_into_meas():
    found = read(HEAD2 + "qreg q[3]; creg c[1]; h q;", Format.OPENQASM2)
    assert found.implicit_measurement
    assert found.registers == (Register(name="meas", size=3, offset=0),)


def test_inputs_are_the_parameters_of_a_sweep_in_order():
    found = read(HEAD3 + "input float[64] theta; input angle phi; qubit q; rx(theta) q; rz(phi/2) q;")
    assert found.parameters == ("theta", "phi")
    assert not found.clifford


@pytest.mark.parametrize(
    ("line", "clifford"),
    [
        ("rz(pi/2) q[0];", True),
        ("rz(-3*pi/2) q[0];", True),
        ("rz(1.5707963267948966) q[0];", True),
        ("rz(pi/4) q[0];", False),
        ("ry(pi) q[0];", True),
        ("cp(pi) q[0], q[1];", True),
        ("cp(pi/2) q[0], q[1];", False),
        ("t q[0];", False),
        ("swap q[0], q[1];", True),
        ("ctrl @ x q[0], q[1];", True),
        ("ctrl @ h q[0], q[1];", False),
        ("pow(0.5) @ x q[0];", False),
        ("inv @ s q[0];", True),
        ("U(pi/2, 0, pi) q[0];", True),
        ("U(0.1, 0, 0) q[0];", False),
        ("gphase(0.3); h q;", True),
    ],
)
def test_clifford_depends_on_the_angle(line, clifford):
    assert read(f"{HEAD3}qubit[2] q; {line}").clifford is clifford


@pytest.mark.parametrize(
    ("lines", "dynamic"),
    [
        ("h q; c = measure q;", False),
        ("c[0] = measure q[0]; x q[1];", False),
        ("c[0] = measure q[0]; x q[0];", True),
        ("c[0] = measure q[0]; c[1] = measure q[0];", True),
        ("reset q[0];", True),
        ("c[0] = measure q[0]; if (c[0]) { x q[1]; }", True),
        ("for int i in [0:1] { c[i] = measure q[i]; }", False),
    ],
)
def test_dynamic_means_that_the_machine_must_react_during_the_run(lines, dynamic):
    assert read(f"{HEAD3}qubit[2] q; bit[2] c; {lines}").dynamic is dynamic


@pytest.mark.parametrize(
    ("lines", "gates", "depth"),
    [
        ("h q;", ((1, 4),), 1),
        ("cx q[0], q[1]; cx q[2], q[3];", ((2, 2),), 1),
        ("for int i in [0:2] { cx q[i], q[i + 1]; }", ((2, 3),), 3),
        ("for int i in [0:2:3] h q[i];", ((1, 2),), 1),
        ("for int i in {0, 3} { h q[i]; }", ((1, 2),), 1),
        ("for int i in [3:-1:0] { for int j in [0:i] { h q[j]; } }", ((1, 10),), 4),
        ("for int i in [1:100000] { x q[0]; x q[1]; }", ((1, 200_000),), 100_000),
        ("let a = q[2:3]; let b = q[0:1]; cx a, b;", ((2, 2),), 1),
        ("let a = q[3] ++ q[0]; h a;", ((1, 2),), 1),
        ("x q[-1]; x q[{1, 2}];", ((1, 3),), 1),
        ("gate g(t) a, b { rz(t) a; cx a, b; h b; } g(pi) q[0], q[1]; g(1) q[2], q[3];", ((1, 4), (2, 2)), 3),
        ("gate g a { h a; t a; } ctrl @ g q[0], q[1];", ((2, 2),), 2),
        ("gate g a { h a; t a; } pow(3) @ g q[0];", ((1, 6),), 6),
        ("gate g a, b { cx a, b; } ctrl(2) @ g q[0], q[1], q[2], q[3];", ((4, 1),), 1),
        ("ctrl(2) @ negctrl @ x q[0], q[1], q[2], q[3];", ((4, 1),), 1),
        ("ctrl @ gphase(pi) q[0];", ((1, 1),), 1),
        ("const int n = 2; for int i in [1:n**2] { x q[0]; }", ((1, 4),), 4),
        ("h q[0]; barrier q; h q[1];", ((1, 2),), 2),
        ("delay[100ns] q; box[1us] { h q; }", ((1, 4),), 1),
        ("int k = 1; k += 2; if (k > 2) { x q[0]; } else if (k == 1) { y q[1]; } else { z q[2]; }", ((1, 1),), 1),
    ],
)
def test_gates_are_counted_after_expansion_and_levels_bound_the_depth(lines, gates, depth):
    found = read(f"{HEAD3}qubit[4] q; {lines}")
    assert found.gates == gates
    assert found.depth == depth


@pytest.mark.parametrize(
    ("lines", "cut"),
    [
        ("h q;", 0),
        ("cx q[0], q[1];", 1),
        ("cx q[0], q[5];", 1),
        ("cx q[0], q[1]; cx q[2], q[3];", 1),
        ("cx q[0], q[3]; cx q[1], q[2];", 2),
        ("swap q[0], q[1];", 2),
        ("for int i in [0:99] { cx q[0], q[5]; }", 3),
    ],
)
def test_the_entangling_cut_is_the_heaviest_cut_capped_at_half_the_width(lines, cut):
    assert read(f"{HEAD3}qubit[6] q; {lines}").entangling_cut == cut


def test_braket_programs_need_no_include_and_count_the_physical_qubits_they_use():
    found = read(
        "OPENQASM 3.0;\ninput float theta;\nh $0;\ncnot $0, $7;\nrx(theta) $7;\n#pragma braket verbatim\nbox{\n"
        "rz(0.1) $0;\n}\n#pragma braket unitary([[1.0, 0], [0, 1.0]]) $12\n#pragma braket result probability all\n"
    )
    assert (found.width, found.gates) == (3, ((1, 4), (2, 1)))
    assert found.implicit_measurement


def test_a_loop_variable_may_be_named_as_a_braket_gate():
    assert read("qubit[4] q; for int i in [0:3] { h q[i]; i q[0]; }").gates == ((1, 8),)


def test_a_gate_of_an_older_library_may_be_defined_by_the_program():
    found = read(HEAD2 + "gate rzz(t) a,b { cx a,b; u1(t) b; cx a,b; } qreg q[2]; rzz(1) q[0],q[1];", Format.OPENQASM2)
    assert found.gates == ((1, 1), (2, 2))


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        ("OPENQASM 2.0;\nqreg q[2];\n  foo q[0];", "program_undefined", 3, 3),
        (HEAD2 + "qreg q[2];\ncx q[0],\n   q[5];", "program_index", 5, 4),
        (HEAD2 + "qreg q[2];\nrz(1/0) q[0];", "program_number", 4, 5),
        (HEAD2 + "qreg q[2]; // ok\n/**/", "program_syntax", 4, 1),
        ('OPENQASM 2.0;\n include "/etc/passwd";', "program_include_forbidden", 2, 2),
        (HEAD2 + "qreg q[2];\nx q[0]", "program_syntax", 4, 7),
        (HEAD2 + "qreg q[2];\r\nx q[0];\r\n\0", "program_character", 5, 1),
    ],
)
def test_a_refusal_points_at_the_place(source, code, line, column):
    refusal = refused(source, Format.OPENQASM2)
    assert (refusal.code, refusal.line, refusal.column) == (code, line, column)


@pytest.mark.parametrize(
    ("source", "form", "hint"),
    [
        ("qreg q[1]; h q[0];", Format.OPENQASM2, 'add: include "qelib1.inc";'),
        ("qubit[2] q; cx q[0], q[1];", Format.OPENQASM3, 'add: include "stdgates.inc";'),
        (HEAD3 + "qubit[2] q; cnot q[0], q[1];", Format.OPENQASM3, "the standard name is cx"),
        (BELL3, Format.OPENQASM2, "send it as format openqasm3"),
    ],
)
def test_a_common_mistake_gets_a_hint(source, form, hint):
    assert refused(source, form).hint == hint


def calls(program):
    """What inspection costs, in calls and not in seconds: the machine's load must not decide."""
    made = 0

    def count(_frame, event, _argument):
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        inspect(program)
    finally:
        sys.setprofile(before)
    return made


def test_a_bell_program_is_read_in_a_few_steps():
    program = Program.of(Format.OPENQASM2, BELL2)
    inspect(program)
    assert calls(program) < 300


def test_work_grows_in_step_with_the_text():
    def work(gates):
        return calls(Program.of(Format.OPENQASM2, HEAD2 + "qreg q[2];\n" + "cx q[0],q[1];\n" * gates))

    work(1000)
    assert work(16_000) < 17 * work(1000)
