"""Can a text anywhere in a program make a library run, open, import or build something? Every place, every attack."""

from __future__ import annotations

import json
from random import Random

import pytest

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Paradigm, Program
from broker.domain.requirement import Requirement
from broker.intake.inspect import inspect
from tests.fuzz.rooms import ROOMS, Children
from tests.support.hostile.attacks import ATTACKS, CODE, OBJECTS
from tests.support.hostile.documents import ahs, circuit, double, field, paths, perceval, plain, pulser, put, shifter

ROOM = {room.name: room for room in ROOMS}
DOCUMENTS = {Format.PULSER: pulser, Format.AHS: ahs, Format.PERCEVAL: perceval}
# The children that open a circuit of photons, and those that read gates.
PHOTONIC = ("local perceval", "quandela translator", "quandela sandbox")
GATE = ("local gate", "braket translator", "quandela translator")
QASM = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\n@{}\nqubit[2] q;\nh q[0];\n',
    'OPENQASM 3.0;\ninclude "{}";\nqubit[2] q;\nh q[0];\n',
    "OPENQASM 3.0;\n#pragma {}\nqubit[2] q;\nh q[0];\n",
    "OPENQASM 3.0;\n#pragma braket {}\nqubit[2] q;\nh q[0];\n",
    'OPENQASM 3.0;\ndefcalgrammar "{}";\nqubit[2] q;\n',
    "OPENQASM 3.0;\ncal {{ {} }}\nqubit[2] q;\n",
    'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float {};\nqubit q;\nbit c;\nrx(2) q;\nc = measure q;\n',
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nbit c;\nrx({}) q;\nc = measure q;\n',
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg {}[2];\ncreg c[2];\n',
    'OPENQASM 2.0;\ninclude "qelib1.inc";\ngate {} a {{ h a; }}\nqreg q[1];\ncreg c[1];\nmeasure q->c;\n',
    'OPENQASM 2.0;\ninclude "{}";\nqreg q[2];\n',
    "OPENQASM 2.0;\nopaque {} a;\nqreg q[2];\n",
)


@pytest.fixture(scope="module")
def children():
    made = Children()
    yield made
    made.close()


def refusal(form, source):
    """None if it is admitted."""
    try:
        inspect(Program(format=form, source=source, sha256=""))
    except ProgramInvalid as error:
        return error
    return None


def located(found):
    return found is not None and (found.pointer is not None or found.line is not None)


def need_of(form, source, parameters=()):
    """What a child is told of a program that intake never saw."""
    paradigm = Paradigm.PHOTONIC if form is Format.PERCEVAL else Paradigm.GATE
    return Requirement(format=form, paradigm=paradigm, width=2, photons=1, parameters=parameters)


def strings(document):
    for path in paths(document):
        value = document
        for step in path:
            value = value[step]
        if isinstance(value, str):
            yield path


def planted(form, attack):
    """The valid document with the attack in place of each text and of each key, one at a time."""
    for path in strings(DOCUMENTS[form]()):
        document = DOCUMENTS[form]()
        put(document, path, attack)
        yield document
    for path in paths(DOCUMENTS[form]()):
        if isinstance(path[-1], str):
            document = DOCUMENTS[form]()
            parent = document
            for step in path[:-1]:
                parent = parent[step]
            parent[attack] = parent.pop(path[-1])
            yield document


@pytest.mark.parametrize("form", DOCUMENTS)
def test_a1_code_in_any_text_or_key_of_a_document_is_refused_with_its_place(form):
    for attack in (*CODE, *OBJECTS):
        wrong = [one for one in planted(form, attack) if not located(refusal(form, json.dumps(one)))]
        assert wrong == [], attack


@pytest.mark.parametrize("form", DOCUMENTS)
def test_a1_what_intake_admits_of_all_attacks_does_nothing_in_any_child(form, children):
    rooms = [room for room in ROOMS if form in room.formats]
    for attack in ATTACKS:
        admitted = [text for document in planted(form, attack) if refusal(form, text := json.dumps(document)) is None]
        for source in admitted[:1]:
            program = Program.of(form, source)
            for room in rooms:
                assert children.run(room, program, inspect(program), Random(1)).heard == (), (attack, room.name)


def test_a1_attacks_in_every_place_of_openqasm_are_refused_or_do_nothing(children):
    seen = 0
    for pattern in QASM:
        for attack in (*ATTACKS, "E", "I", "lambda"):
            form = Format.OPENQASM2 if "2.0" in pattern[:14] else Format.OPENQASM3
            source = pattern.format(attack)
            if refusal(form, source) is not None:
                continue
            seen += 1
            program = Program.of(form, source)
            for name in GATE:
                assert children.run(ROOM[name], program, inspect(program), Random(1)).heard == (), source
    assert seen


def parameters(code):
    """Each way in which a parameter of a circuit can carry a text."""
    text = code.encode()
    inner = field(5, field(2, b"a") + field(4, b"a"))
    return {
        "name beside a plain expression": inner + field(3, b"a") + field(4, text),
        "expression": inner + field(3, text) + field(4, b"a"),
        "expression alone": field(3, text),
        "symbol": field(2, text) + field(4, b"a"),
        "name of a symbol": field(2, b"a") + field(4, text),
        "name of a number": double(1, 0.5) + field(4, text),
        "name inside": field(5, double(1, 0.5) + field(4, text)) + field(3, b"a") + field(4, b"a"),
    }


@pytest.mark.parametrize("code", CODE)
def test_a1_a_parameter_that_carries_code_is_refused_wherever_it_carries_it(code):
    for place, parameter in parameters(code).items():
        source = json.dumps(perceval(circuit=plain(circuit(2, shifter(parameter)))))
        found = refusal(Format.PERCEVAL, source)
        assert found is not None, place
        assert found.pointer == "/circuit"


@pytest.mark.parametrize("code", CODE)
def test_a1_no_child_evaluates_a_parameter_even_if_intake_let_it_by(code, children):
    for place, parameter in parameters(code).items():
        source = json.dumps(perceval(circuit=plain(circuit(2, shifter(parameter)))))
        for name in PHOTONIC:
            need = need_of(Format.PERCEVAL, source, ("a",))
            ran = children.run(ROOM[name], Program.of(Format.PERCEVAL, source), need, Random(1))
            assert ran.heard == (), (place, name)


EXPERIMENT = field(8, 2) + field(9, field(2, 2) + field(12, b""))
INSIDE = {
    "input state": 1,
    "name": 2,
    "noise": 3,
    "post-selection": 4,
}
HOSTILE = (*CODE[:3], "pcvlar 1 0", ":PCVL:zip:eJwDAAAAAAE=", ":PCVL:Matrix:AAAA", ":PCVL:PostSelect:\x00")


@pytest.mark.parametrize("place", INSIDE)
def test_a1_a_text_inside_an_experiment_is_of_its_own_type_or_refused(place):
    """Perceval opens these by what they say they are; an input state beside the experiment hides nothing."""
    for text in HOSTILE:
        inside = plain(EXPERIMENT + field(INSIDE[place], text.encode()), "Experiment")
        source = json.dumps({"command": "probs", "experiment": inside, "input_state": "|1,0>"})
        assert refusal(Format.PERCEVAL, source) is not None, text


@pytest.mark.parametrize(
    "message",
    [
        field(2, 2) + field(2, 1 << 20) + field(4, field(2, 2) + field(12, b"")),
        circuit(2, field(2, 2) + field(12, b"") + field(9, b"x")),
        circuit(2, shifter(double(1, 0.5) + field(2, b"a"))),
        circuit(2, shifter(field(2, b"sin"))),
        field(1, CODE[0].encode()) + circuit(2),
        field(3, CODE[0].encode()) + circuit(2),
        circuit(2, field(2, 2) + field(4, CODE[0].encode()) + field(12, b"")),
    ],
    ids=["modes twice", "unknown field", "two things", "a function's name", "name", "annotation", "its annotation"],
)
def test_a1_what_two_readers_could_read_differently_is_refused(message):
    assert refusal(Format.PERCEVAL, json.dumps(perceval(circuit=plain(message)))) is not None


def test_a1_the_simulator_of_the_braket_sandbox_opens_no_included_file(children):
    source = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nh q;\n'
    ran = children.run(
        ROOM["braket sandbox"], Program.of(Format.OPENQASM3, source), need_of(Format.OPENQASM3, source), Random(1)
    )
    assert ran.heard == ()
    assert "includes no files" in ran.answer
