"""How many modes, components and free parameters has a serialised Perceval circuit? Read from its bytes."""

from __future__ import annotations

import re
import struct
from math import isfinite
from typing import TYPE_CHECKING

from broker.intake.wire import MalformedError, fields

if TYPE_CHECKING:
    from broker.intake.limits import Limits

# Field numbers of Perceval's circuit.proto as its 1.x releases write them (perceval.serialization).
_MODES = {"ACircuit": 2, "Experiment": 8}
_COMPONENTS = {"ACircuit": 4, "Experiment": 9}
_INPUT_STATE, _POST_SELECT, _MIN_PHOTONS, _NO_MIN = 1, 4, 10, 0x0FFFFFFF
_START, _WIDTH, _SUBCIRCUIT, _MATRIX = 1, 2, 10, 15
# component field -> numbers of its Parameter fields
_PARAMETERS = {
    11: (1, 2),
    12: (2, 3, 4, 5, 6),
    16: (1, 2),
    17: (1, 2),
    18: (1, 2),
    19: (1,),
    20: (1,),
    23: (1,),
}
_PLAIN = frozenset({14, 21, 22})
_REAL, _SYMBOL, _EXPRESSION, _NAME, _INNER = 1, 2, 3, 4, 5
_NUMERIC, _SYMBOLIC = 3, 4
_LETTER = r"A-Za-z_\u0391-\u03a9\u03b1-\u03c9"
_NAME_FORM = re.compile(rf"[{_LETTER}][{_LETTER}0-9]{{0,63}}")
# Perceval hands expressions to sympy, which evaluates them as Python: only arithmetic on known names may pass.
_ARITHMETIC = re.compile(rf"(?:[{_LETTER}][{_LETTER}0-9]*+|[0-9]{{1,20}}(?:\.[0-9]{{0,20}})?+|\*\*?+|[-+/() ])*+")
_WORD = re.compile(rf"[{_LETTER}][{_LETTER}0-9]*+")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "exp", "sqrt", "pi", "asin", "acos", "atan", "log"})
_SELECTION = re.compile(r":PCVL:PostSelect:[\[\]0-9,<>=&|^! ()A-Za-z]{0,1000}+")
# The complex numbers of a matrix as protobuf writes them, noughts left out: a double is infinite or none where all bits
# of its exponent are set. One expression, for a large matrix has 100,000 of them.
_FINITE = rb"(?:.{6}(?:[\x00-\xef].|[\xf0-\xff][^\x7f\xff]))"
_NUMBERS = re.compile(
    rb"(?s)(?:\x0a(?:\x00|\x09[\x09\x11]" + _FINITE + rb"|\x12\x09" + _FINITE + rb"\x11" + _FINITE + rb"))*+"
)
_DEEPEST = 32
_LONGEST_EXPRESSION = 200
_DOUBLE = struct.Struct("<d")
_POWERS = 2


class UnusableError(Exception):
    """The circuit cannot be admitted; ``code`` and ``detail`` say why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Photonics:
    """What one pass over the message found."""

    def __init__(self, message: bytes, tag: str, limits: Limits) -> None:
        self.limits = limits
        self.modes = 0
        self.components = 0
        self.parameters: dict[str, None] = {}
        self.input_state = ""
        self.min_photons: int | None = None
        self._seen = 0
        try:
            self._top(memoryview(message), tag)
        except MalformedError:
            raise UnusableError("program_blob", "the circuit is no Perceval protobuf message") from None

    def _top(self, message: memoryview, tag: str) -> None:
        parts = [(number, value) for number, value in self._fields(message)]
        self.modes = next((value for number, value in parts if number == _MODES[tag] and isinstance(value, int)), 0)
        if not 1 <= self.modes <= self.limits.modes:
            raise UnusableError("program_too_wide", f"{self.modes} modes, allowed are 1 to {self.limits.modes}")
        for number, value in parts:
            if number == _COMPONENTS[tag]:
                self._component(_bytes(value), self.modes, 1)
            elif tag == "Experiment":
                self._setting(number, value)

    def _setting(self, number: int, value: int | memoryview) -> None:
        if number == _INPUT_STATE:
            self.input_state = _text(value)
        elif number == _MIN_PHOTONS and isinstance(value, int):
            self.min_photons = None if value == _NO_MIN else value
        elif number == _POST_SELECT and not _SELECTION.fullmatch(_text(value)):
            raise UnusableError("program_blob", "the post-selection has an unknown form")

    def _component(self, message: memoryview, modes: int, depth: int) -> None:
        start, width, kinds = 0, 1, 0
        for number, value in self._fields(message):
            if number == _START and isinstance(value, int):
                start = value
            elif number == _WIDTH and isinstance(value, int):
                width = value
            elif number >= _SUBCIRCUIT:
                kinds += 1
                self._kind(number, _bytes(value), depth)
        if kinds != 1 or width < 1 or start + width > modes:
            raise UnusableError("program_blob", f"a component does not fit on {modes} modes")

    def _kind(self, number: int, message: memoryview, depth: int) -> None:
        if number == _SUBCIRCUIT:
            self._subcircuit(message, depth)
            return
        if number not in _PARAMETERS and number not in _PLAIN and number != _MATRIX:
            raise UnusableError("program_unsupported", "feed-forward and compiled circuits are not supported")
        self.components += 1
        for inner, value in self._fields(message) if number in _PARAMETERS else ():
            if inner in _PARAMETERS[number]:
                self._parameter(_bytes(value), depth)
        if number == _MATRIX:
            self._matrix(message)

    def _subcircuit(self, message: memoryview, depth: int) -> None:
        if depth >= _DEEPEST:
            raise UnusableError("program_nesting", f"circuits nested deeper than {_DEEPEST} levels")
        modes = 0
        for number, value in self._fields(message):
            if number == _MODES["ACircuit"] and isinstance(value, int):
                modes = value
            elif number == _COMPONENTS["ACircuit"]:
                self._component(_bytes(value), modes, depth + 1)

    def _matrix(self, message: memoryview) -> None:
        matrices = [_bytes(value) for number, value in self._fields(message) if number == 1]
        for kind, numbers in (field for matrix in matrices for field in self._fields(matrix)):
            if kind == _SYMBOLIC:  # sympy evaluates it without a list of names
                raise UnusableError("program_unsupported", "symbolic matrices are not supported")
            if kind == _NUMERIC and not _NUMBERS.fullmatch(_bytes(numbers)):
                raise UnusableError("program_number", "a matrix holds something else than finite numbers")

    def _parameter(self, message: memoryview, depth: int) -> None:
        if depth >= _DEEPEST:
            raise UnusableError("program_nesting", f"expressions nested deeper than {_DEEPEST} levels")
        expression, names = "", []
        for number, value in self._fields(message):
            if number == _REAL and not isfinite(_real(value)):
                raise UnusableError("program_number", "a parameter has a value that is not finite")
            if number == _SYMBOL:
                names.append(_name(value))
                self.parameters[names[-1]] = None
            elif number == _EXPRESSION:
                expression = _text(value)
            elif number == _INNER:
                self._parameter(_bytes(value), depth + 1)
        if expression:
            self._check_expression(expression)
        if len(self.parameters) > self.limits.parameters:
            raise UnusableError("program_too_large", f"more than {self.limits.parameters} parameters")

    def _check_expression(self, text: str) -> None:
        short = len(text) <= _LONGEST_EXPRESSION and text.count("**") <= _POWERS
        known = all(word in self.parameters or word in _FUNCTIONS for word in _WORD.findall(text))
        if not short or not known or not _ARITHMETIC.fullmatch(text):
            raise UnusableError("program_blob", "a parameter expression is not plain arithmetic on its parameters")

    def _fields(self, message: memoryview) -> list[tuple[int, int | memoryview]]:
        found = []
        for field in fields(message):
            found.append(field)
            self._seen += 1
            if self._seen > self.limits.fields:
                raise UnusableError("program_too_long", f"the circuit has more than {self.limits.fields} parts")
        return found


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise MalformedError
    return value


def _real(value: int | memoryview) -> float:
    content = _bytes(value)
    if len(content) != _DOUBLE.size:
        raise MalformedError
    (real,) = _DOUBLE.unpack(content)
    return float(real)


def _text(value: int | memoryview) -> str:
    try:
        return bytes(_bytes(value)).decode()
    except UnicodeDecodeError:
        raise MalformedError from None


def _name(value: int | memoryview) -> str:
    name = _text(value)
    if not _NAME_FORM.fullmatch(name) or name.startswith("__"):
        raise UnusableError("program_blob", "a parameter has a name that is none")
    return name
