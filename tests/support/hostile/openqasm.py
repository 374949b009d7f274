"""Which OpenQASM texts are hostile?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[str, str, str, str]

MIB = 1 << 20
HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
TWO, THREE = "openqasm2", "openqasm3"
BELL2 = HEAD2 + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n"
BELL3 = HEAD3 + "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"
RICH3 = HEAD3 + (
    "input float theta;\nconst int n = 2;\ngate pair(a) x, y { rz(a/2) x; ctrl @ inv @ x x, y; }\n"
    "qubit[4] q;\nbit[4] c;\nlet first = q[0:1];\nfor int i in [0:n] { pair(theta * pi) q[i], q[i + 1]; }\n"
    "barrier q;\nc[0] = measure q[0];\nif (c[0] == 1) { x q[1]; } else { pow(2) @ s first; }\nreset q[3];\n"
    "box { delay[10ns] q[2]; }\nc[1:3] = measure q[1:3];\n"
)


def programs() -> Iterator[Row]:
    yield from includes()
    yield from gate_bombs()
    yield from loop_bombs()
    yield from modifier_bombs()
    yield from sizes()
    yield from numbers()
    yield from nesting()
    yield from characters()
    yield from large()
    yield from memory()
    yield from mistakes()
    yield from refused_words()
    yield from truncated()


def includes() -> Iterator[Row]:
    paths = {
        "the password file": "/etc/passwd",
        "a climb out": "../../../../etc/passwd",
        "a climb through the library": "qelib1.inc/../../../etc/passwd",
        "a file URL": "file:///etc/passwd",
        "a web address": "http://169.254.169.254/latest/meta-data/",
        "a network share": "//evil.example/share/x.inc",
        "a Windows path": "C:/Windows/win.ini",
        "the environment": "/proc/self/environ",
        "an endless device": "/dev/zero",
        "standard input": "/dev/stdin",
        "a private key": "~/.ssh/id_rsa",
        "a dotted library": "./qelib1.inc",
        "a capital library": "QELIB1.INC",
        "a library with a space": "qelib1.inc ",
        "a Cyrillic library": "q\u0435lib1.inc",
        "a full-width library": "\uff51elib1.inc",
        "nothing": "",
        "percent signs": "%2e%2e%2fetc%2fpasswd",
        "a variable": "$HOME/x.inc",
        "a mebibyte of dots": "../" * (MIB // 4),
    }
    for what, path in paths.items():
        yield f"include {what} (2)", TWO, f'OPENQASM 2.0;\ninclude "{path}";\nqreg q[1];\n', "program_include_forbidden"
        yield f"include {what} (3)", THREE, f'OPENQASM 3.0;\ninclude "{path}";\nqubit q;\n', "program_include_forbidden"
    yield "include the other library (2)", TWO, 'include "stdgates.inc"; qreg q[1];', "program_include_forbidden"
    yield "include the other library (3)", THREE, 'include "qelib1.inc"; qubit q;', "program_include_forbidden"
    yield "include in angle brackets", TWO, "include <qelib1.inc>;", "program_include_forbidden"
    yield "include without a string", TWO, "include qelib1.inc;", "program_include_forbidden"
    yield "include in single quotes", THREE, "include '/etc/passwd';", "program_include_forbidden"
    yield "include twice", TWO, HEAD2 + 'include "qelib1.inc";', "program_redefined"
    yield "include in a gate", TWO, HEAD2 + 'gate g a { include "/etc/passwd"; }', "program_undefined"
    yield "include in a block", THREE, 'if (true) { include "/etc/passwd"; }', "program_include_forbidden"
    yield "include after a carriage return", TWO, 'OPENQASM 2.0;//\rinclude "/etc/passwd";', "program_character"
    yield "include behind a line separator", TWO, 'OPENQASM 2.0;//\u2028include "/etc/passwd";', "program_character"


def doubling(depth: int, calls: int = 2, first: str = "h a;") -> str:
    gates = [f"gate g0 a {{ {first} }}"]
    gates += [f"gate g{n} a {{ {f'g{n - 1} a; ' * calls}}}" for n in range(1, depth + 1)]
    return "\n".join(gates)


def gate_bombs() -> Iterator[Row]:
    for depth in (20, 30, 40, 64, 200):
        source = HEAD2 + doubling(depth) + f"\nqreg q[1];\ng{depth} q[0];\n"
        yield f"2 to the {depth} gates", TWO, source, "program_too_long"
        source = HEAD3 + doubling(depth) + f"\nqubit[1] q;\ng{depth} q[0];\n"
        yield f"2 to the {depth} gates (3)", THREE, source, "program_too_long"
    empty = HEAD2 + doubling(40, first="") + "\nqreg q[1];\ng40 q[0];\n"
    yield "2 to the 40 calls of an empty gate", TWO, empty, "program_too_long"
    yield "10 to the 12 gates", TWO, HEAD2 + doubling(12, 10) + "qreg q[1]; g12 q[0];", "program_too_long"
    yield "20000 gates, each doubling", TWO, HEAD2 + doubling(20_000), "program_too_long"
    yield "a chain of 5000 gates", TWO, HEAD2 + doubling(5000, 1) + "qreg q[1]; g5000 q[0];", "admitted"
    yield "a bomb under broadcast", TWO, HEAD2 + doubling(10) + "qreg q[9999]; g10 q;", "program_too_long"
    yield "a gate that calls itself", TWO, HEAD2 + "gate g a { g a; } qreg q[1]; g q[0];", "program_recursive"
    yield "a gate that calls itself (3)", THREE, HEAD3 + "gate g a { ctrl @ g a, a; }", "program_recursive"
    yield "two gates that call each other", TWO, HEAD2 + "gate f a { g a; } gate g a { f a; }", "program_undefined"
    yield "a gate defined in a gate", TWO, HEAD2 + "gate f a { gate g b { x b; } }", "program_undefined"
    yield "a standard gate defined again", TWO, HEAD2 + "gate h a { }", "program_redefined"
    yield "the same gate twice", THREE, HEAD3 + "gate g a { } gate g a { }", "program_redefined"
    loop = "gate g a { for int i in [1:1000000] { for int j in [1:1000000] { x a; } } }"
    yield "a loop in a gate", THREE, HEAD3 + loop, "program_too_long"
    names = ",".join(f"a{n}" for n in range(9000))
    yield "a gate with 9000 qubits", TWO, f"{HEAD2}gate g {names} {{ }}", "program_empty"


def loop_bombs() -> Iterator[Row]:
    def loop(bounds: str, body: str = "x q[0];") -> str:
        return f"{HEAD3}qubit[4] q;\nfor int i in {bounds} {{ {body} }}\n"

    nested = "".join(f"for int i{n} in [1:1000] {{ " for n in range(3)) + "x q[0];" + "}" * 3
    deep = "".join(f"for int i{n} in [0:1] {{ " for n in range(60)) + "x q[0];" + "}" * 60
    flat = "".join(f"for int i{n} in [0:0] {{ " for n in range(60)) + "x q[0];" + "}" * 60
    cases = {
        "1e8 rounds": (loop("[0:100000000]"), "program_too_long"),
        "2e6 rounds of nothing": (loop("[1:1000000000]", ""), "program_too_long"),
        "a huge range": (loop("[0:18446744073709551615]"), "program_too_long"),
        "a range beyond 64 bits": (loop("[0:99999999999999999999999]"), "program_number"),
        "a step of zero": (loop("[0:0:10]"), "program_loop_unbounded"),
        "a backward range": (loop("[10:1]"), "admitted"),
        "a backward bomb": (loop("[1000000000:-1:0]"), "program_too_long"),
        "a computed bomb": (loop("[0:2**40]"), "program_too_long"),
        "a shifted bomb": (loop("[0:1<<62]"), "program_too_long"),
        "a fractional bound": (loop("[0:0.5]"), "program_type"),
        "1000 x 1000 x 1000": (f"{HEAD3}qubit q;\n{nested}".replace("q[0]", "q"), "program_too_long"),
        "2 to the 60": (f"{HEAD3}qubit[1] q;\n{deep}", "program_too_long"),
        "60 loops of one round": (f"{HEAD3}qubit[1] q;\n{flat}", "admitted"),
        "65 levels": (f"{HEAD3}qubit[1] q;\n{'for int i in [0:0] { ' * 65}", "program_nesting"),
        "a bound from an input": ("input int n;\nqubit q;\nfor int i in [0:n] { x q; }", "program_loop_unbounded"),
        "a bound from a measurement": (
            "bit c; qubit q; c = measure q; for int i in [0:c] {}",
            "program_loop_unbounded",
        ),
        "a register": (loop("q"), "program_unsupported"),
        "a set of 100000": (loop("{" + "1," * 99_999 + "1}", "x q[i];"), "admitted"),
        "an index that leaves the register": (loop("[0:4]", "x q[i];"), "program_index"),
        "a body without braces": (f"{HEAD3}qubit[4] q; for int i in [0:3] h q[i];", "admitted"),
        "a body that never ends": (f"{HEAD3}qubit[4] q; for int i in [0:3] {{ h q[i];", "program_syntax"),
        "broadcast in a loop": (loop("[0:999999]", "h q;"), "program_too_long"),
        "measurement in a loop": (loop("[0:1000000]", "measure q;"), "program_too_long"),
        "reset in a loop": (loop("[0:1000000]", "reset q;"), "program_too_long"),
        "barriers in a loop": (loop("[0:9999999]", "barrier q;"), "program_too_long"),
    }
    for name, (source, expectation) in cases.items():
        yield f"loop: {name}", THREE, source, expectation
    for word, condition in (("true", "true"), ("1", "1"), ("a bit", "c == 0")):
        yield f"while {word}", THREE, f"{HEAD3}bit c; qubit q; while ({condition}) {{ x q; }}", "program_loop_unbounded"


def modifier_bombs() -> Iterator[Row]:
    gate = HEAD3 + "gate g a { h a; t a; }\nqubit[3] q;\n"
    cases = {
        "pow(1e9) of a gate": ("pow(1000000000) @ g q[0];", "program_too_long"),
        "pow(-1e9) of a gate": ("pow(-1000000000) @ g q[0];", "program_too_long"),
        "pow(1e18) of a gate": ("pow(1e18) @ g q[0];", "program_too_long"),
        "pow of pow of pow": ("pow(100) @ " * 20 + "g q[0];", "program_too_long"),
        "pow(2) 5000 times": ("pow(2) @ " * 5000 + "g q[0];", "program_too_long"),
        "pow(0) of a gate": ("pow(0) @ g q[0];", "admitted"),
        "pow of infinity": ("pow(1e999) @ x q[0];", "program_number"),
        "pow of a standard gate": ("pow(1000000000) @ x q[0];", "admitted"),
        "pow without a number": ("pow() @ x q[0];", "program_syntax"),
        "ctrl(1e9)": ("ctrl(1000000000) @ x q[0];", "program_too_wide"),
        "ctrl(0)": ("ctrl(0) @ x q[0];", "program_parameters"),
        "ctrl(-1)": ("ctrl(-1) @ x q[0];", "program_parameters"),
        "20000 controls": ("ctrl @ " * 20_000 + "x q[0];", "program_too_wide"),
        "too few operands": ("ctrl(2) @ x q[0], q[1];", "program_arity"),
        "control equals target": ("ctrl @ x q[0], q[0];", "program_duplicate_qubit"),
        "inv 100000 times": ("inv @ " * 100_000 + "x q[0];", "admitted"),
        "a modifier of nothing": ("inv @ ;", "program_syntax"),
        "a modifier without @": ("inv x q[0];", "program_syntax"),
        "negctrl of an unknown gate": ("negctrl @ foo q[0], q[1];", "program_undefined"),
    }
    for name, (line, expectation) in cases.items():
        yield f"modifier: {name}", THREE, gate + line, expectation
    nested = "\n".join(f"gate p{n} a {{ pow(1000) @ {'h' if n == 0 else f'p{n - 1}'} a; }}" for n in range(20))
    yield "pow in each of 20 gates", THREE, f"{HEAD3}{nested}\nqubit q; p19 q;", "program_too_long"


def sizes() -> Iterator[Row]:
    two = {
        "a billion qubits": ("qreg q[1000000000];", "program_too_wide"),
        "a billion bits": ("qreg q[1]; creg c[1000000000];", "program_too_wide"),
        "no qubits": ("qreg q[0];", "program_size"),
        "a negative size": ("qreg q[-1];", "program_size"),
        "a fractional size": ("qreg q[1.5];", "program_type"),
        "a size of 100000 digits": (f"qreg q[{'9' * 100_000}];", "program_number"),
        "a size that is no number": ("qreg q[n];", "program_undefined"),
        "registers that sum to too much": ("".join(f"qreg q{n}[999];" for n in range(20)), "program_too_wide"),
        "20000 registers": ("".join(f"qreg q{n}[1];" for n in range(20_000)), "program_too_wide"),
        "a huge index": ("qreg q[2]; x q[99999999999999999999];", "program_index"),
        "an index of 100000 digits": (f"qreg q[2]; x q[{'9' * 100_000}];", "program_number"),
        "an index just outside": ("qreg q[2]; x q[2];", "program_index"),
        "a negative index": ("qreg q[2]; x q[-1];", "program_index"),
        "a bit outside": ("qreg q[2]; creg c[2]; measure q[0] -> c[2];", "program_index"),
        "no register at all": ("", "program_empty"),
        "a name of 100000 letters": (f"qreg {'q' * 100_000}[1];", "program_name"),
    }
    for name, (source, expectation) in two.items():
        yield f"size: {name}", TWO, HEAD2 + source, expectation
    three = {
        "a billion qubits": ("qubit[1000000000] q;", "program_too_wide"),
        "a computed register": ("qubit[2**60] q;", "program_too_wide"),
        "a size from an input": ("input int n; qubit[n] q;", "program_size"),
        "a physical qubit far away": ("x $99999999999;", "program_too_wide"),
        "a physical qubit of 100000 digits": (f"x ${'9' * 100_000};", "program_number"),
        "a slice outside": ("qubit[4] q; x q[0:9];", "program_index"),
        "a slice of nothing": ("qubit[4] q; x q[3:1];", "program_index"),
        "a slice of step zero": ("qubit[4] q; x q[0:0:3];", "program_index"),
        "an index set outside": ("qubit[4] q; x q[{0, 9}];", "program_index"),
        "an index set twice the same": ("qubit[4] q; let a = q[{1, 1}];", "program_duplicate_qubit"),
        "aliases that double": ("qubit[8000] q; " + "let a0 = q ++ q;" * 2, "program_duplicate_qubit"),
        "20000 aliases": ("qubit[9999] q; " + "".join(f"let a{n} = q;" for n in range(20_000)), "admitted"),
        "20000 joined aliases": (
            "qubit[9999] q; " + "".join(f"let a{n} = q[0:4998] ++ q[5000:9998];" for n in range(20_000)),
            "program_too_long",
        ),
        "an alias of itself": ("let a = a;", "program_undefined"),
    }
    for name, (source, expectation) in three.items():
        yield f"size (3): {name}", THREE, HEAD3 + source, expectation


def numbers() -> Iterator[Row]:
    two = {
        "1e999999": "program_number",
        "-1e999999": "program_number",
        "9" * 100_000: "program_number",
        "0." + "0" * 100_000 + "1": "program_number",
        "1e": "program_syntax",
        "1.2.3": "program_syntax",
        "1/0": "program_number",
        "0/0": "program_number",
        "1/(pi-pi)": "program_number",
        "sqrt(-1)": "program_number",
        "ln(0)": "program_number",
        "ln(-1)": "program_number",
        "exp(1000)": "program_number",
        "9^9^9^9^9": "program_number",
        "(-8)^0.5": "program_number",
        "10^400": "program_number",
        "1e300*1e300": "program_number",
        "nan": "program_undefined",
        "inf": "program_undefined",
        "pi pi": "program_syntax",
        "": "program_parameters",
        "1,2": "program_parameters",
        "sin": "program_undefined",
        "sin()": "program_parameters",
        "sin(1": "program_syntax",
        "q[0]": "program_type",
        "c": "program_type",
        "\u0663": "program_syntax",
    }
    for number, (text, expectation) in enumerate(two.items()):
        wrong = "program_syntax" if text == "c" else expectation
        if text == "c":
            continue
        yield f"number {number}: {text[:20]}", TWO, f"{HEAD2}qreg q[1];\nrz({text}) q[0];\n", wrong
    three = {
        "1 << 1000000000": "program_number",
        "1 << 64 << 64": "program_number",
        "2 ** 1000000000": "program_number",
        "2 ** 2 ** 2 ** 2 ** 2 ** 2": "program_number",
        "0x" + "f" * 50_000: "program_number",
        "0b2": "program_syntax",
        "1_000_": "admitted",
        "5 % 0": "program_number",
        "mod(5, 0)": "program_number",
        "arcsin(2)": "program_number",
        "popcount(18446744073709551615)": "admitted",
        "1000000000000 * 1000000000000 * 1000000000000": "program_number",
        "1.5 << 3": "admitted",
        "~" * 5000 + "1": "admitted",
        "-" * 100_000 + "1": "admitted",
        "+".join(["1"] * 100_000): "admitted",
        "1 +" * 1000: "program_syntax",
    }
    for number, (text, expectation) in enumerate(three.items()):
        yield f"number (3) {number}: {text[:20]}", THREE, f"{HEAD3}qubit q;\nrz({text}) q;\n", expectation


def nesting() -> Iterator[Row]:
    for count in (65, 1000, 100_000):
        yield f"{count} parentheses (2)", TWO, f"{HEAD2}qreg q[1]; rz({'(' * count}1", "program_nesting"
        yield f"{count} parentheses (3)", THREE, f"{HEAD3}qubit q; rz({'(' * count}1", "program_nesting"
        yield f"{count} braces", THREE, HEAD3 + "{" * count, "program_nesting"
        yield f"{count} brackets", THREE, f"{HEAD3}qubit[2] q; bit[2] c; if ({'c[' * count}", "program_nesting"
        yield f"{count} ifs", THREE, f"{HEAD3}bit c; qubit q; " + "if (c) " * count + "x q;", "program_nesting"
        yield f"{count} boxes", THREE, f"{HEAD3}qubit q; " + "box { " * count, "program_nesting"
        yield f"{count} powers of powers", THREE, f"{HEAD3}qubit q; rz({'1**' * count}1) q;", "program_nesting"
        yield f"{count} functions", THREE, f"{HEAD3}qubit q; rz({'sin(' * count}", "program_nesting"
    chain = "if (c) { x q; } " + "else if (c) { x q; } " * 20_000
    yield "20000 else ifs", THREE, f"{HEAD3}bit c; qubit q; {chain}", "admitted"
    yield "an opening mebibyte", TWO, "(" * MIB, "program_too_large"
    yield "64 parentheses fit", TWO, f"{HEAD2}qreg q[1]; rz({'(' * 60}1{')' * 60}) q[0];", "admitted"


def characters() -> Iterator[Row]:
    texts = {
        "a byte order mark": "\ufeff" + BELL2,
        "a NUL": BELL2.replace("h q", "h\0q"),
        "a NUL at the end": BELL2 + "\0",
        "a right-to-left override": BELL2 + "// \u202e;]0[q x",
        "a right-to-left isolate": BELL2 + "// \u2067 x",
        "a zero-width space": BELL2.replace("cx q", "cx\u200bq"),
        "a zero-width joiner": BELL2.replace("q[2]", "q\u200d[2]"),
        "a soft hyphen": BELL2.replace("creg", "cr\u00adeg"),
        "a lone carriage return": BELL2 + "// a\rx q[0];",
        "a form feed": BELL2 + "\f",
        "a vertical tab": BELL2 + "\v",
        "an escape": BELL2 + "// \x1b[2J",
        "a delete": BELL2 + "\x7f",
        "a next-line": BELL2 + "\x85",
        "a paragraph separator": BELL2 + "// a\u2029x q[0];",
        "a tag character": BELL2 + "// \U000e0041",
        "a Hangul filler": BELL2.replace("q[2]", "q\u3164[2]"),
        "a lone surrogate": BELL2 + "// \ud800",
        "a noncharacter": BELL2 + "// \uffff",
    }
    for name, source in texts.items():
        yield f"character: {name}", TWO, source, "program_character"
    names = {
        "a Cyrillic a": "\u0430",
        "a Greek omicron": "\u03bf",
        "a Greek capital alpha": "\u0391",
        "an Armenian o": "\u0585",
        "a full-width q": "\uff51",
        "a mathematical q": "\U0001d45e",
        "a decomposed Hangul": "\u1112\u1161\u11ab",
        "a Cherokee letter": "\u13aa",
        "a dotless i": "\u0131",
        "a superscript": "q\u00b2",
        "an Arabic digit": "q\u0661",
    }
    for name, word in names.items():
        yield f"name: {name}", THREE, f"{HEAD3}qubit {word};\n", "program_character"
    for word in ("θ", "λ_1", "größe", "각도", "量子"):
        yield f"name: {word} is honest", THREE, f"{HEAD3}qubit {word};\nx {word};\n", "admitted"
    yield "name: a no-break space", THREE, f"{HEAD3}qubit\u00a0q;", "program_syntax"
    yield "name: a combining accent", THREE, f"{HEAD3}qubit q\u0301;", "program_syntax"
    yield "name: an emoji", THREE, f"{HEAD3}qubit 😀;", "program_syntax"
    yield "name: accented letters in a comment are fine", TWO, BELL2 + "// déjà vu, 안녕", "admitted"
    yield "windows line ends are fine", TWO, BELL2.replace("\n", "\r\n"), "admitted"


def large() -> Iterator[Row]:
    yield "one byte too many", TWO, BELL2 + "/" * (MIB + 1 - len(BELL2)), "program_too_large"
    yield "too large in bytes, not in characters", TWO, "//" + "안" * (MIB // 2), "program_too_large"
    yield "a mebibyte of semicolons", TWO, ";" * MIB, "program_too_large"
    yield "half a mebibyte of semicolons", TWO, ";" * (MIB // 2), "program_empty"
    yield "a mebibyte of line comments", TWO, "//\n" * (MIB // 3), "program_empty"
    yield "a mebibyte of comment starts", THREE, "/*" * (MIB // 2), "program_syntax"
    yield "a mebibyte of comments", THREE, "/**/" * (MIB // 4), "program_empty"
    yield "a comment of a mebibyte", THREE, "/*" + "*" * (MIB - 4) + "*/", "program_empty"
    yield "a block comment in OpenQASM 2", TWO, BELL2 + "/* */", "program_syntax"
    yield "a comment that never ends", THREE, BELL3 + "/*" + " " * (MIB - 200), "program_syntax"
    yield "a string that never ends", TWO, 'include "' + "a" * (MIB - 9), "program_include_forbidden"
    yield "a mebibyte of quotes", TWO, '"' * MIB, "program_syntax"
    yield "a mebibyte of spaces", TWO, " " * MIB, "program_empty"
    yield "a mebibyte of one name", TWO, "a" * MIB, "program_undefined"
    yield "a mebibyte of one number", TWO, "1" * MIB, "program_syntax"
    yield "a mebibyte of exponents", TWO, "1e" * (MIB // 2), "program_syntax"
    yield "a mebibyte of slashes", TWO, "/" * MIB, "program_empty"
    yield "a mebibyte of stars", THREE, "*" * MIB, "program_syntax"
    yield "a mebibyte of backslashes", TWO, "\\" * (MIB // 2), "program_syntax"
    yield "a mebibyte of at signs", THREE, "@" * (MIB // 2), "program_unsupported"
    yield "a mebibyte of pragmas", THREE, "#pragma x\n" * (MIB // 10), "program_unsupported"
    gates = 'OPENQASM 2.0;include "qelib1.inc";qreg q[2];' + "cx q[0],q[1];\n" * ((MIB - 60) // 14)
    yield "a mebibyte of honest gates", TWO, gates, "admitted"
    angles = 'OPENQASM 2.0;include "qelib1.inc";qreg q[2];' + "rz(-3*pi/4) q[0];\n" * ((MIB - 60) // 18)
    yield "a mebibyte of angles", TWO, angles, "admitted"
    broadcast = HEAD2 + "qreg q[9999];qreg r[1];" + "h q;" * 101
    yield "too many broadcasts", TWO, broadcast, "program_too_long"
    barriers = HEAD2 + "qreg q[9999];" + "barrier q;" * 90_000
    yield "90000 barriers over 9999 qubits", TWO, barriers, "admitted"
    sweep = f"{HEAD3}qubit[9999] q; for int i in [0:1] {{ {'measure q[i];' * 75_000} }}"
    yield "75000 measurements of an unknown qubit", THREE, sweep, "admitted"
    reset = f"{HEAD3}qubit[9999] q; for int i in [0:1] {{ {'reset q[i];' * 85_000} }}"
    yield "85000 resets of an unknown qubit", THREE, reset, "admitted"
    copies = f"qubit[9999] q; let t = q[0:1] ++ q[2:9998]; {'let a = t;' * 2}" + "".join(
        f"let a{n} = t;" for n in range(50_000)
    )
    yield "50000 copies of a joined alias", THREE, copies.replace("let a = t;", ""), "admitted"
    joined = "qubit[9999] q; let t = q[1:2:9998] ++ q[0:2:9998]; for int i in [0:50000] { "
    yield "an unknown qubit of a joined alias", THREE, joined + "cnot t[i], q[0];" * 10 + "}", "admitted"
    chip = "".join(f"x ${n};" for n in range(9000)) + "qubit q; for int i in [0:9000] { x q; x $1; int n = 1; }"
    yield "9000 physical qubits and a loop", THREE, chip, "admitted"
    delays = HEAD3 + "qubit[9999] q;" + "delay[1ns] q;" * 70_000
    yield "70000 delays over 9999 qubits", THREE, delays, "admitted"


def memory() -> Iterator[Row]:
    for width in (30, 40, 64, 1000, 10_000):
        layer = f"{HEAD2}qreg q[{width}];\ncreg c[{width}];\nh q;\nt q;\n"
        ladder = "".join(f"cx q[{n}],q[{n + 1}];\n" for n in range(min(width, 200) - 1))
        yield f"memory: {width} qubits, all entangled", TWO, layer + ladder + "measure q -> c;\n", "device"
        three = f"{HEAD3}qubit[{width}] q;\nh q;\nt q;\n{ladder}"
        yield f"memory: {width} qubits (3)", THREE, three, "device"
    matrix = "#pragma braket unitary([[1]]) " + ", ".join(f"q[{n}]" for n in range(20)) + "\n"
    yield "memory: a unitary on 20 qubits", THREE, f"qubit[20] q;\n{matrix}", "program_unsupported"
    operands = ", ".join(f"q[{n}]" for n in range(31))
    yield "memory: 30 controls", THREE, f"{HEAD3}qubit[31] q; ctrl(30) @ x {operands};", "device"


def mistakes() -> Iterator[Row]:
    two = {
        "an unknown gate": ("foo q[0];", "program_undefined"),
        "an unknown register": ("x r[0];", "program_undefined"),
        "too many operands": ("x q[0],q[1];", "program_arity"),
        "too few operands": ("cx q[0];", "program_arity"),
        "no operands": ("x;", "program_syntax"),
        "no angle": ("rz q[0];", "program_parameters"),
        "an angle too many": ("x(1) q[0];", "program_parameters"),
        "the same qubit twice": ("cx q[0],q[0];", "program_duplicate_qubit"),
        "the same register twice": ("cx q,q;", "program_duplicate_qubit"),
        "a register and its qubit": ("cx q,q[0];", "program_duplicate_qubit"),
        "registers of different size": ("qreg r[3]; cx q,r;", "program_arity"),
        "a bit for a qubit": ("x c[0];", "program_type"),
        "a qubit for a bit": ("measure q[0] -> q[1];", "program_type"),
        "a measurement of other size": ("measure q -> c[0];", "program_arity"),
        "a measurement into nothing": ("measure q[0];", "program_syntax"),
        "a register declared twice": ("qreg q[2];", "program_redefined"),
        "a register named as a gate": ("qreg h[2];", "program_redefined"),
        "a register named as a word": ("qreg measure[2];", "program_syntax"),
        "a missing semicolon": ("x q[0]", "program_syntax"),
        "a missing comma": ("cx q[0] q[1];", "program_syntax"),
        "a condition without ==": ("if (c) x q[0];", "program_syntax"),
        "a condition on a qubit": ("if (q == 1) x q[0];", "program_type"),
        "a condition on a condition": ("if (c==1) if (c==1) x q[0];", "program_syntax"),
        "a second version line": ("OPENQASM 2.0;", "program_syntax"),
        "a body with a foreign qubit": ("gate g a { x q[0]; }", "program_undefined"),
        "a body with an indexed qubit": ("gate g a { x a[0]; }", "program_undefined"),
        "a body with a measurement": ("gate g a { measure a -> c[0]; }", "program_undefined"),
        "a body with a reset": ("gate g a { reset a; }", "program_undefined"),
        "a body that never ends": ("gate g a { x a;", "program_syntax"),
        "a gate with one name twice": ("gate g a, a { }", "program_redefined"),
        "a gate without qubits": ("gate g { }", "program_syntax"),
        "an unknown angle": ("gate g(t) a { rz(s) a; }", "program_undefined"),
        "a stray brace": ("}", "program_syntax"),
        "a stray bracket": ("x q];", "program_syntax"),
        "an OpenQASM 3 word": ("ctrl @ x q[0],q[1];", "program_undefined"),
    }
    start = HEAD2 + "qreg q[2];\ncreg c[2];\n"
    for name, (line, expectation) in two.items():
        yield f"mistake: {name}", TWO, start + line, expectation
    yield "mistake: no library", TWO, "OPENQASM 2.0; qreg q[1]; h q[0];", "program_undefined"
    yield "mistake: version 3 as 2", TWO, BELL3, "program_version"
    yield "mistake: version 2 as 3", THREE, BELL2, "program_version"
    yield "mistake: version 4", THREE, "OPENQASM 4.0;", "program_version"
    yield "mistake: JSON as OpenQASM", TWO, '{"a": 1}', "program_syntax"
    yield "mistake: Python as OpenQASM", THREE, "import os\nos.system('id')", "program_undefined"
    yield "mistake: a pickle", TWO, "cos\nsystem\n(S'id'\ntR.", "program_undefined"
    three = {
        "assignment to a qubit": ("q = 1;", "program_type"),
        "assignment to a constant": ("const int n = 1; n = 2;", "program_type"),
        "a variable declared twice": ("int n; int n;", "program_redefined"),
        "a qubit in a block": ("if (true) { qubit r; }", "program_syntax"),
        "a name after its block": ("if (true) { int n = 1; } n = 2;", "program_undefined"),
        "a loop variable after its loop": ("for int i in [0:1] { x q[i]; } x q[i];", "program_undefined"),
        "a measurement of other size": ("bit[3] d = measure q;", "program_arity"),
        "an angle that is a qubit": ("rz(q[0]) q[0];", "program_type"),
        "else without if": ("else { x q[0]; }", "program_undefined"),
        "cnot beside the standard library": ("cnot q[0], q[1];", "program_undefined"),
        "an input of bits": ("input bit[2] b;", "program_unsupported"),
        "an output of numbers": ("output int n;", "program_unsupported"),
    }
    for name, (line, expectation) in three.items():
        yield f"mistake (3): {name}", THREE, f"{HEAD3}qubit[2] q;\nbit[2] c;\n{line}", expectation


def refused_words() -> Iterator[Row]:
    lines = {
        "def f(qubit a) { x a; }": "program_unsupported",
        "extern f(int) -> int;": "program_unsupported",
        "cal { play(d0, x); }": "program_unsupported",
        "defcal x $0 { }": "program_unsupported",
        'defcalgrammar "openpulse";': "program_unsupported",
        "switch (1) { case 1 { } }": "program_unsupported",
        "array[int, 1000000000] a;": "program_unsupported",
        "complex[float] z;": "program_unsupported",
        "stretch s;": "program_unsupported",
        "duration d = 1ns;": "program_unsupported",
        "break;": "program_unsupported",
        "continue;": "program_unsupported",
        "return 1;": "program_unsupported",
        "end;": "program_unsupported",
        "@reversible\nx q;": "program_unsupported",
        "#pragma system rm -rf /\n": "program_unsupported",
        "pragma include /etc/passwd\n": "program_unsupported",
        "#pragma braket noise depolarizing(0.1) q\n": "program_unsupported",
        "#pragma braket unitary([[1]]) r\n": "program_undefined",
        "#pragma braket unitary([[1]])\n": "program_syntax",
        "#pragma braket verbatim\nx q;": "program_syntax",
    }
    for line, expectation in lines.items():
        yield f"refused: {line.strip()[:40]}", THREE, f"{HEAD3}qubit q;\n{line}", expectation


def truncated() -> Iterator[Row]:
    for form, source in ((TWO, BELL2), (THREE, BELL3), (THREE, RICH3)):
        step = max(1, len(source) // 20)
        for end in range(1, len(source), step):
            yield f"{form} of {len(source)} cut at {end}", form, source[:end], "either"
