"""Can any text at all make intake do something else than answer or refuse?"""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import guess, inspect
from tests.support.hostile import documents, openqasm

VALID = {
    Format.OPENQASM2: openqasm.BELL2 + "gate g(a) x, y { rz(a/2) x; cx x, y; }\ng(pi) q[0],q[1];\nif(c==1) x q;\n",
    Format.OPENQASM3: openqasm.RICH3,
    Format.PULSER: json.dumps(documents.pulser()),
    Format.AHS: json.dumps(documents.ahs()),
    Format.PERCEVAL: json.dumps(documents.perceval()),
}
PIECES = (
    *'()[]{};:,@"+-*/^$#.=<>!~\\ \n',
    *(
        "qreg q[2];",
        "qubit q;",
        "bit c;",
        "gate g a {",
        "for int i in [0:3] {",
        "if (c) {",
        "measure q",
        "->",
        "let a =",
    ),
    *("ctrl @ ", "pow(2) @ ", "inv @ ", "x q[0];", "cx q[0],q[1];", "h q;", "rz(pi/2) q;", "reset q;", "barrier;"),
    *("else", "include", '"stdgates.inc";', "OPENQASM 3.0;", "OPENQASM 2.0;", "const int n = ", "input float t;", "$0"),
    *(
        "1e400",
        "99999999999999999999",
        "0x",
        "1_0",
        "pi",
        "**",
        "<<",
        "&&",
        "#pragma braket verbatim\n",
        "/*",
        "*/",
        "//",
    ),
    *(
        "null",
        "true",
        "NaN",
        '{"a":',
        "\\u0000",
        "\u202e",
        "\ud800",
        "θ",
        "\0",
        "delay[10ns]",
        "box",
        "++",
        "q[0:1]",
        "q[i]",
    ),
)


def answered(form: Format, source: str) -> None:
    try:
        found = inspect(Program(format=form, source=source, sha256=""))
    except ProgramInvalid as refusal:
        located = refusal.pointer is not None or (refusal.line is not None and refusal.column is not None)
        if not located or not refusal.code.startswith("program_"):
            raise AssertionError(f"{refusal.code} without a place") from refusal
        return
    assert found.width >= 1


formats = st.sampled_from(list(Format))


@settings(max_examples=150, deadline=None)
@given(form=formats, source=st.text(max_size=300))
@example(form=Format.OPENQASM3, source="/*")
def test_any_text_is_answered(form, source):
    answered(form, source)


@settings(max_examples=300, deadline=None)
@given(form=formats, pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_pile_of_words_is_answered(form, pieces):
    answered(form, "".join(pieces))


@settings(max_examples=400, deadline=None)
@given(
    form=formats, edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4)
)
def test_any_damage_to_a_valid_program_is_answered(form, edits):
    source = VALID[form]
    for place, cut, piece in edits:
        at = int(place * len(source))
        source = source[:at] + piece + source[at + cut :]
    answered(form, source)


@settings(max_examples=100, deadline=None)
@given(source=st.text(max_size=100) | st.sampled_from(list(VALID.values())))
def test_guessing_a_format_answers_or_refuses(source):
    try:
        assert guess(source, None) in Format
    except ProgramInvalid as refusal:
        if refusal.code != "program_format":
            raise


def test_the_valid_programs_are_valid_and_their_formats_can_be_guessed():
    for form, source in VALID.items():
        assert inspect(Program.of(form, source)).format is form
        assert guess(source, None) is form
