"""Is the format guessed right, and never wrongly?"""

from __future__ import annotations

import base64
import json
import time
import zlib

import pytest

from qsubmit import programs
from qsubmit.errors import ProgramInvalid, Usage

PULSER = json.dumps({"version": "1", "register": [], "channels": {}, "variables": {}, "operations": []})
AHS = json.dumps({"setup": {"ahs_register": {}}, "hamiltonian": {"drivingFields": []}})
CASES = [
    ("a.qasm", "OPENQASM 2.0;\nqreg q[1];", "openqasm2"),
    ("a.qasm", "// OPENQASM 2.0;\n/* x */ OPENQASM 3;\nqubit q;", "openqasm3"),
    ("a.qasm", "OPENQASM 3.1;", "openqasm3"),
    ("a.qasm", "qreg q[1];", "openqasm2"),
    ("a.qasm", "qubit[2] q;", "openqasm3"),
    ("a.qasm", 'include "stdgates.inc";', "openqasm3"),
    ("a.qasm3", "h q;", "openqasm3"),
    ("A.QASM", "", "openqasm2"),
    ("-", "\n\nOPENQASM 2.0;", "openqasm2"),
    ("-", "include 'x';\nqreg q[2];", "openqasm2"),
    ("a.txt", "qubit q;", "openqasm3"),
    ("a.json", PULSER, "pulser"),
    ("a.json", AHS, "ahs"),
    ("-", json.dumps({"braketSchemaHeader": {"name": "braket.ir.ahs.program"}}), "ahs"),
    ("a.json", json.dumps({"circuit": ":PCVL:zip:eJw=", "input_state": "|1,1>"}), "perceval"),
    ("a.json", json.dumps({"experiment": ":PCVL:zip:eJw="}), "perceval"),
    ("a.pcvl", " :PCVL:zip:eJw=", "perceval"),
]


@pytest.mark.parametrize(("name", "source", "format_"), CASES)
def test_the_format_is_guessed(name, source, format_):
    assert programs.guess(name, source) == format_


@pytest.mark.parametrize("source", ["", "hello", "{", "[1]", "{}", '{"a": 1}', "[" * 100_000])
def test_what_fits_nothing_is_asked_for(source):
    with pytest.raises(Usage) as caught:
        programs.guess("-", source)

    assert caught.value.code == "format_unknown"
    assert "--format openqasm2|" in (caught.value.hint or "")


def test_guessing_is_linear():
    began = time.process_time()
    with pytest.raises(Usage):
        programs.guess("-", "/*" * 400_000)

    assert time.process_time() - began < 5


def test_bare_perceval_text_is_wrapped_by_what_it_serializes():
    packed = base64.b64encode(zlib.compress(b":PCVL:Experiment:" + b"A" * 200)).decode()

    assert json.loads(programs.wire_form("perceval", " :PCVL:ACircuit:AA==\n")) == {"circuit": ":PCVL:ACircuit:AA=="}
    assert list(json.loads(programs.wire_form("perceval", f":PCVL:zip:{packed}"))) == ["experiment"]
    assert list(json.loads(programs.wire_form("perceval", ":PCVL:zip:!"))) == ["circuit"]
    assert programs.wire_form("perceval", '{"circuit": ""}') == '{"circuit": ""}'
    assert programs.wire_form("openqasm2", ":PCVL:") == ":PCVL:"


def test_a_file_that_is_no_text_is_an_invalid_program(tmp_path):
    (tmp_path / "x").write_bytes(b"OPENQASM\xff")

    with pytest.raises(ProgramInvalid, match="byte 8"):
        programs.read(str(tmp_path / "x"))


def test_a_byte_order_mark_is_not_part_of_the_program(tmp_path):
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfOPENQASM 2.0;")

    assert programs.read(str(tmp_path / "x")) == "OPENQASM 2.0;"


def test_a_directory_cannot_be_read(tmp_path):
    with pytest.raises(Usage, match="is a directory"):
        programs.read(str(tmp_path))
