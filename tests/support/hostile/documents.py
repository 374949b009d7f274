"""Which JSON programs (Pulser, AHS, Perceval) are hostile?"""

from __future__ import annotations

import base64
import copy
import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[str, str, str, str]

PULSER, AHS, PERCEVAL = "pulser", "ahs", "perceval"


def programs() -> Iterator[Row]:
    for form, valid in ((PULSER, pulser()), (AHS, ahs()), (PERCEVAL, perceval())):
        yield f"{form}: the honest one", form, json.dumps(valid), "admitted"
        yield from broken_text(form, valid)
        yield from wrong_types(form, valid)
    yield from pulser_tricks()
    yield from ahs_tricks()
    yield from perceval_tricks()


def pulser() -> dict[str, Any]:
    wave = {"kind": "constant", "duration": 400, "value": 1.0}
    return {
        "version": "1",
        "name": "s",
        "register": [{"name": "q0", "x": 0.0, "y": 0.0}, {"name": "q1", "x": 6.0, "y": 0.0}],
        "channels": {"g": "rydberg_global"},
        "variables": {"omega": {"type": "float", "value": [0.0]}},
        "operations": [
            {
                "op": "pulse",
                "channel": "g",
                "protocol": "min-delay",
                "amplitude": wave | {"value": {"expression": "index", "lhs": {"variable": "omega"}, "rhs": 0}},
                "detuning": wave,
                "phase": 0.0,
                "post_phase_shift": 0.0,
            },
            {"op": "delay", "channel": "g", "time": 100},
        ],
        "measurement": "ground-rydberg",
        "device": "AnalogDevice",
    }


def ahs() -> dict[str, Any]:
    def series(*values: str) -> dict[str, Any]:
        return {"pattern": "uniform", "time_series": {"values": list(values), "times": ["0", "4E-6"]}}

    return {
        "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
        "setup": {"ahs_register": {"sites": [["0", "0"], ["0", "5.5e-6"]], "filling": [1, 1]}},
        "hamiltonian": {
            "drivingFields": [
                {"amplitude": series("0", "0"), "phase": series("0", "0"), "detuning": series("-9e6", "9e6")}
            ],
            "shiftingFields": [],
        },
    }


def perceval(**changes: object) -> dict[str, Any]:
    return {"command": "sample_count", "circuit": packed(circuit()), "input_state": "|1,0>"} | changes


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def circuit(modes: int = 2, *components: bytes) -> bytes:
    parts = components or (field(2, 2) + field(12, b""),)
    return field(2, modes) + b"".join(field(4, part) for part in parts)


def shifter(parameter: bytes) -> bytes:
    return field(2, 1) + field(11, field(1, parameter))


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def unitary(*entries: float) -> bytes:
    numbers = b"".join(field(1, double(1, entry) if entry else b"") for entry in entries)
    return field(2, 2) + field(15, field(1, field(3, numbers)))


def plain(message: bytes, tag: str = "ACircuit") -> str:
    return f":PCVL:{tag}:{base64.b64encode(message).decode()}"


def zipped(text: bytes) -> str:
    return ":PCVL:zip:" + base64.b64encode(zlib.compress(text, 9)).decode()


def packed(message: bytes, tag: str = "ACircuit") -> str:
    return zipped(plain(message, tag).encode())


def broken_text(form: str, valid: dict[str, Any]) -> Iterator[Row]:
    text = json.dumps(valid)
    key = next(iter(valid))
    texts = {
        "an array": ("[" + text + "]", "program_json"),
        "a string": (json.dumps(text), "program_json"),
        "a number": ("1", "program_json"),
        "null": ("null", "program_json"),
        "empty": ("", "program_empty"),
        "cut off": (text[:-1], "program_json"),
        "cut in the middle": (text[: len(text) // 2], "program_json"),
        "followed by more": (text + "{}", "program_json"),
        "with a trailing comma": (text[:-1] + ",}", "program_json"),
        "with a comment": (text[:-1] + "/**/}", "program_json"),
        "with single quotes": (text.replace('"', "'"), "program_json"),
        "with a duplicate key": (text[:-1] + f', "{key}": 1}}', "program_duplicate_key"),
        "with an escaped duplicate key": (
            text[:-1] + f', "\\u{ord(key[0]):04x}{key[1:]}": 1}}',
            "program_duplicate_key",
        ),
        "with NaN": (text[:-1] + ', "a": NaN}', "program_number"),
        "with Infinity": (text[:-1] + ', "a": -Infinity}', "program_number"),
        "with 1e999999": (text[:-1] + ', "a": 1e999999}', "program_number"),
        "with 100000 digits": (text[:-1] + f', "a": {"9" * 100_000}}}', "program_number"),
        "with an unknown key": (text[:-1] + ', "a": 1}', "program_schema"),
        "with a class to build": (text[:-1] + ', "__module__": "os"}', "program_schema"),
        "with a NUL": (text[:-1] + ', "a\\u0000": 1}', "program_character"),
        "with half a surrogate": (text[:-1] + ', "a": "\\ud800"}', "program_character"),
        "with a byte order mark": ("\ufeff" + text, "program_character"),
        "with a deep array": (text[:-1] + f', "a": {"[" * 40}{"]" * 40}}}', "program_nesting"),
        "a mebibyte of brackets": ("[" * (1 << 20), "program_nesting"),
        "a mebibyte of objects": ('{"a":' * (1 << 17), "program_nesting"),
        "a mebibyte of quotes": ('"' * (1 << 20), "program_json"),
        "a mebibyte of keys": (text[:-1] + "".join(f', "k{n}": 0' for n in range(60_000)) + "}", "program_schema"),
        "a string that never ends": (text[:-1] + ', "a": "' + "a" * 100_000, "program_json"),
        "backslashes that never end": (text[:-1] + ', "a": "' + "\\" * 100_001, "program_json"),
        "too large": (text[:-1] + " " * (1 << 20) + "}", "program_too_large"),
    }
    for name, (source, expectation) in texts.items():
        yield f"{form}: {name}", form, source, expectation


def wrong_types(form: str, valid: dict[str, Any]) -> Iterator[Row]:
    """Each place of the document in turn holds a value of each wrong type, or is missing."""
    for path in paths(valid):
        wrong: Any
        for wrong in (None, True, -1, 1e300, "", "x" * 2000, [], [[[]]], {}, {"__class__": "x"}):
            changed = copy.deepcopy(valid)
            put(changed, path, wrong)
            name = f"{form}: {'/'.join(map(str, path))} is {json.dumps(wrong)[:12]}"
            yield name, form, json.dumps(changed), "either"
        changed = copy.deepcopy(valid)
        put(changed, path, None, remove=True)
        yield f"{form}: without {'/'.join(map(str, path))}", form, json.dumps(changed), "either"


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from paths(item, (*path, number))


def put(document: Any, path: tuple[str | int, ...], value: object, *, remove: bool = False) -> None:
    for step in path[:-1]:
        document = document[step]
    if remove:
        del document[path[-1]]
    else:
        document[path[-1]] = value


def pulser_tricks() -> Iterator[Row]:
    def changed(path: tuple[str | int, ...], value: object) -> str:
        document = pulser()
        put(document, path, value)
        return json.dumps(document)

    operation = ("operations", 0)
    laughs: Any = {"variable": "omega"}
    for _ in range(8):
        laughs = {"expression": "mul", "lhs": laughs, "rhs": laughs}
    deep: Any = {"variable": "omega"}
    for _ in range(40):
        deep = {"expression": "neg", "lhs": deep}
    nested: Any = {"kind": "constant", "duration": 1, "value": 0}
    for _ in range(40):
        nested = {"kind": "composite", "waveforms": [nested]}
    many = {f"v{n}": {"type": "float", "value": [0] * 100} for n in range(500)} | pulser()["variables"]
    atoms = [{"name": f"q{n}", "x": float(n), "y": 0.0} for n in range(10_001)]
    cases: dict[str, tuple[tuple[str | int, ...], object, str]] = {
        "a delay of a year": (("operations", 1, "time"), 10**18, "program_too_long"),
        "a negative delay": (("operations", 1, "time"), -5, "program_too_long"),
        "a pulse of 1e300": ((*operation, "detuning", "duration"), 1e300, "program_too_long"),
        "an unknown channel": ((*operation, "channel"), "h", "program_undefined"),
        "an unknown variable": ((*operation, "phase"), {"variable": "x"}, "program_undefined"),
        "an expression that calls": ((*operation, "phase"), {"expression": "eval", "lhs": 1}, "program_schema"),
        "an expression of 256 leaves": ((*operation, "phase"), laughs, "admitted"),
        "an expression 40 deep": ((*operation, "phase"), deep, "program_nesting"),
        "a waveform 40 deep": ((*operation, "amplitude"), nested, "program_nesting"),
        "an unknown operation": ((*operation, "op"), "exec", "program_schema"),
        "an unknown waveform": ((*operation, "amplitude"), {"kind": "pickle"}, "program_schema"),
        "50000 values to bind": (("variables",), many, "program_too_large"),
        "10001 atoms": (("register",), atoms, "program_schema"),
        "two atoms of one name": (("register", 1, "name"), "q0", "program_redefined"),
        "two atoms in one place": (("register", 1, "x"), 0.0, "program_redefined"),
        "a mappable register": (("register",), [{"qid": "a"}], "program_unsupported"),
        "no atoms": (("register",), [], "program_schema"),
        "a target far away": (("operations", 1), {"op": "target", "channel": "g", "target": 99}, "program_index"),
        "100 atoms": (("register",), atoms[:100], "device"),
        "100000 samples": (
            (*operation, "amplitude"),
            {"kind": "custom", "samples": [0] * 100_000},
            "admitted",
        ),
    }
    for name, (path, value, expectation) in cases.items():
        yield f"pulser: {name}", PULSER, changed(path, value), expectation


def ahs_tricks() -> Iterator[Row]:
    def changed(path: tuple[str | int, ...], value: object) -> str:
        document = ahs()
        put(document, path, value)
        return json.dumps(document)

    register = ("setup", "ahs_register")
    series = ("hamiltonian", "drivingFields", 0, "amplitude", "time_series")
    long = [str(n) for n in range(30_000)]
    cases: dict[str, tuple[tuple[str | int, ...], object, str]] = {
        "a year": ((*series, "times"), ["0", "3e7"], "program_too_long"),
        "times that go back": ((*series, "times"), ["0", "-1"], "program_schema"),
        "times that stand still": ((*series, "times"), ["0", "0"], "program_schema"),
        "times that start late": ((*series, "times"), ["1e-6", "2e-6"], "program_schema"),
        "times of other length": ((*series, "times"), ["0"], "program_schema"),
        "no times": ((*series, "times"), [], "program_schema"),
        "a number that is code": ((*series, "values", 0), "__import__('os')", "program_schema"),
        "a number of 100000 digits": ((*series, "values", 0), "9" * 100_000, "program_schema"),
        "an exponent of 6 digits": ((*series, "values", 0), "1e999999", "program_schema"),
        "an amplitude beyond any float": ((*series, "values", 0), "1e999", "program_number"),
        "a time beyond any float": ((*series, "times", 1), "1e999", "program_number"),
        "a site beyond any float": ((*register, "sites", 0), ["-1e999", "0"], "program_number"),
        "an infinite word": ((*series, "values", 0), "Infinity", "program_schema"),
        "a not-a-number word": ((*series, "values", 0), "nan", "program_schema"),
        "30000 points": (series, {"values": long, "times": long}, "program_too_long"),
        "filling of other length": ((*register, "filling"), [1], "program_schema"),
        "filling of 2": ((*register, "filling"), [1, 2], "program_schema"),
        "nothing filled": ((*register, "filling"), [0, 0], "program_empty"),
        "two sites in one place": ((*register, "sites"), [["0", "0"], ["0", "0"]], "program_redefined"),
        "a site in space": ((*register, "sites", 0), ["0", "0", "0"], "program_schema"),
        "both names of a field": (("hamiltonian", "localDetuning"), [], "program_schema"),
        "another schema": (("braketSchemaHeader", "name"), "braket.ir.jaqcd.program", "program_schema"),
        "a pattern of other length": (
            ("hamiltonian", "drivingFields", 0, "amplitude", "pattern"),
            ["1"],
            "program_schema",
        ),
        "100 sites": (
            register,
            {"sites": [[str(n), "0"] for n in range(100)], "filling": [1] * 100},
            "device",
        ),
    }
    for name, (path, value, expectation) in cases.items():
        yield f"ahs: {name}", AHS, changed(path, value), expectation


def perceval_tricks() -> Iterator[Row]:
    bomb = zlib.compress(b":PCVL:ACircuit:" + b"A" * (200 << 20), 9)
    coded = base64.b64encode(bomb).decode()
    good = zlib.compress(plain(circuit()).encode())
    deep = field(2, 2) + field(12, b"")
    for _ in range(40):
        deep = field(2, 2) + field(10, circuit(2, deep))
    expression = field(2, b"a")
    code = field(3, b"__import__('os').system('id')")
    blobs = {
        "a zip bomb": (":PCVL:zip:" + coded, "program_bomb"),
        "a zip in a zip": (zipped(packed(circuit()).encode()), "program_blob"),
        "a cut zip": (":PCVL:zip:" + base64.b64encode(good[:-4]).decode(), "program_blob"),
        "a zip with a tail": (":PCVL:zip:" + base64.b64encode(good + b"x").decode(), "program_blob"),
        "no zip": (":PCVL:zip:" + base64.b64encode(b"hello").decode(), "program_blob"),
        "nothing zipped": (":PCVL:zip:", "program_blob"),
        "text zipped": (zipped(b"hello"), "program_blob"),
        "bad base64": (":PCVL:ACircuit:A", "program_blob"),
        "another tag": (":PCVL:Matrix:AAAA", "program_schema"),
        "another tag, zipped": (zipped(b":PCVL:SVDistribution:{}"), "program_blob"),
        "a pickle": (":PCVL:ACircuit:" + base64.b64encode(b"cos\nsystem\n(S'id'\ntR.").decode(), "program_blob"),
        "an empty message": (plain(b""), "program_too_wide"),
        "no modes": (plain(circuit(0)), "program_too_wide"),
        "2**40 modes": (plain(circuit(1 << 40)), "program_too_wide"),
        "2**63 modes": (plain(circuit(1 << 63)), "program_too_wide"),
        "1001 modes": (plain(circuit(1001)), "program_too_wide"),
        "a component outside": (plain(circuit(2, field(1, 1) + field(2, 2) + field(12, b""))), "program_blob"),
        "a component of no kind": (plain(circuit(2, field(2, 2))), "program_blob"),
        "a component of two kinds": (plain(circuit(2, field(12, b"") + field(11, b""))), "program_blob"),
        "a length that lies": (plain(b"\x22\xff\xff\xff\xff\x0f"), "program_blob"),
        "a number that never ends": (plain(b"\x10" + b"\xff" * 1000), "program_blob"),
        "a group": (plain(b"\x13\x14"), "program_blob"),
        "circuits 40 deep": (plain(circuit(2, deep)), "program_nesting"),
        "code in an expression": (plain(circuit(2, shifter(field(5, expression) + code))), "program_blob"),
        "a tower of powers": (
            plain(circuit(2, shifter(field(5, expression) + field(3, b"9**9**9**9**9")))),
            "program_blob",
        ),
        "an unknown name in an expression": (plain(circuit(2, shifter(field(3, b"b")))), "program_blob"),
        "a parameter named by code": (plain(circuit(2, shifter(field(2, b"a;import os")))), "program_blob"),
        "a parameter of two underscores": (plain(circuit(2, shifter(field(2, b"__class__")))), "program_blob"),
        "a parameter that is no text": (plain(circuit(2, shifter(field(2, b"\xff\xfe")))), "program_blob"),
        "an angle that is no number": (plain(circuit(2, shifter(double(1, math.nan)))), "program_number"),
        "an infinite angle": (plain(circuit(2, shifter(double(1, -math.inf)))), "program_number"),
        "an angle of 64 bits": (plain(circuit(2, shifter(double(1, 1e308)))), "admitted"),
        "an angle that is cut off": (plain(circuit(2, shifter(field(1, b"1234")))), "program_blob"),
        "a matrix with an infinite entry": (plain(circuit(2, unitary(1.0, 0.0, 0.0, math.inf))), "program_number"),
        "a matrix with an entry that is no number": (plain(circuit(2, unitary(math.nan))), "program_number"),
        "a matrix of bytes": (
            plain(circuit(2, field(2, 2) + field(15, field(1, field(3, b"text"))))),
            "program_number",
        ),
        "a symbolic matrix": (
            plain(circuit(2, field(2, 2) + field(15, field(1, field(4, field(1, code)))))),
            "program_unsupported",
        ),
        "feed-forward": (plain(circuit(2, field(2, 2) + field(24, b""))), "program_unsupported"),
        "a compiled circuit": (plain(circuit(2, field(2, 2) + field(26, b""))), "program_unsupported"),
        "500000 fields": (packed(circuit(2, field(2, 2) + field(12, b"\x08\x00" * 500_000))), "program_too_long"),
        "50000 components": (packed(field(2, 2) + field(4, field(2, 2) + field(12, b"")) * 50_000), "admitted"),
    }
    for name, (blob, expectation) in blobs.items():
        yield f"perceval: {name}", PERCEVAL, json.dumps(perceval(circuit=blob)), expectation
    states = {
        "1,0": "program_schema",
        "|1,0": "program_schema",
        "||": "program_schema",
        "|>": "program_schema",
        "|,>": "program_schema",
        "|1,0,0>": "program_arity",
        "|0,0>": "program_too_wide",
        "|9999,9999>": "program_too_wide",
        "|99999999999999999999,0>": "program_schema",
        "|-1,0>": "program_schema",
        "|1.5,0>": "program_schema",
        "|{P:H},0>": "program_schema",
        "|{0}{1},0>": "admitted",
        "(0.5,0)*|1,0>+(0.5,0)*|0,1>": "program_schema",
        "|" + "0," * 9000 + "1>": "program_arity",
        "|" + "0," * 10_001 + "1>": "program_schema",
        "|__import__('os')>": "program_schema",
        "|100,100>": "device",
    }
    for state, expectation in states.items():
        yield (
            f"perceval: state {state[:30]} ({len(state)})",
            PERCEVAL,
            json.dumps(perceval(input_state=state)),
            expectation,
        )
    forms = {
        "no circuit": ({"command": "probs", "input_state": "|1>"}, "program_schema"),
        "both circuits": (perceval(experiment=packed(circuit())), "program_schema"),
        "shots inside": (perceval(max_shots=10), "program_schema"),
        "a result mapping": (perceval(job_context={"result_mapping": ["os", "system"]}), "program_schema"),
        "an unknown command": (perceval(command="eval"), "program_schema"),
        "a wrong m": (perceval(m=3), "program_schema"),
        "a photon filter of a million": (perceval(min_detected_photons=10**6), "program_schema"),
        "an archive": (perceval(circuit="pcvlar 1 0"), "program_schema"),
        "a circuit as experiment": (
            {"command": "probs", "experiment": packed(circuit()), "input_state": "|1,0>"},
            "program_schema",
        ),
    }
    for name, (document, expectation) in forms.items():
        yield f"perceval: {name}", PERCEVAL, json.dumps(document), expectation
