"""How many modes, components and free parameters has a serialised Perceval circuit? Read from its bytes.

Every field of every message is looked at (``broker.intake.messages``), not only those that are counted: Perceval gives
names to sympy, which evaluates text, and texts inside an experiment to whatever their first letters ask for.
"""

from __future__ import annotations

import re
import struct
from math import isfinite
from typing import TYPE_CHECKING, NoReturn

from broker.domain.errors import ProgramInvalid
from broker.intake import jsontext
from broker.intake.arithmetic import CONSTANTS, FUNCTIONS, NotArithmeticError, Term, names, term
from broker.intake.messages import FIRST_KIND, MESSAGES, REPEATED, Kind
from broker.intake.names import is_label, is_name
from broker.intake.shape import check, schema
from broker.intake.wire import MalformedError, fields

if TYPE_CHECKING:
    from broker.intake.limits import Limits

    Value = int | memoryview
    Parts = list[tuple[int, Value]]

_TOP = {"ACircuit": "Circuit", "Experiment": "Experiment"}
_MODES = {"Circuit": 2, "Experiment": 8}
_COMPONENTS = {"Circuit": 4, "Experiment": 9}
_START, _WIDTH = 1, 2
_REAL, _SYMBOL, _EXPRESSION, _NAME, _INNER = 1, 2, 3, 4, 5
STATE = re.compile(r"(?::PCVL:(?:BasicState|FockState|NoisyFockState):)?+\|([0-9,{} ]*+)>")
_NOISE = ":PCVL:NoiseModel:"
_SELECTION = re.compile(r":PCVL:PostSelect:[\[\]0-9,<>=&|^! ()A-Za-z]{0,1000}+")
# The complex numbers of a matrix as protobuf writes them, noughts left out: a double is infinite or none where all bits
# of its exponent are set. One expression, for a large matrix has 100,000 of them.
_FINITE = rb"(?:.{6}(?:[\x00-\xef].|[\xf0-\xff][^\x7f\xff]))"
_NUMBERS = re.compile(
    rb"(?s)(?:\x0a(?:\x00|\x09[\x09\x11]" + _FINITE + rb"|\x12\x09" + _FINITE + rb"\x11" + _FINITE + rb"))*+"
)
_DEEPEST = 32
_LARGEST = 1 << 31
_DOUBLE = struct.Struct("<d")


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
        self._seen = 0
        try:
            self._circuit(memoryview(message), _TOP[tag], 0)
        except MalformedError:
            raise UnusableError("program_blob", "the circuit is no Perceval protobuf message") from None

    def _circuit(self, message: memoryview, name: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise UnusableError("program_nesting", f"circuits nested deeper than {_DEEPEST} levels")
        parts = self._parts(message, name)
        modes = next((value for number, value in parts if number == _MODES[name] and isinstance(value, int)), 0)
        if not depth:
            self.modes = modes
        if not 1 <= modes <= self.limits.modes:
            raise UnusableError("program_too_wide", f"{modes} modes, allowed are 1 to {self.limits.modes}")
        for number, value in parts:
            if number == _COMPONENTS[name]:
                self._component(_bytes(value), modes, depth)
            else:
                self._field(name, number, value, depth)

    def _component(self, message: memoryview, modes: int, depth: int) -> None:
        start, width, kinds = 0, 1, 0
        for number, value in self._parts(message, "Component"):
            if number >= FIRST_KIND:
                kinds += 1
                self._kind(number, _bytes(value), depth)
            elif number == _START and isinstance(value, int):
                start = value
            elif number == _WIDTH and isinstance(value, int):
                width = value
            else:
                self._field("Component", number, value, depth)
        if kinds != 1 or width < 1 or start + width > modes:
            raise UnusableError("program_blob", f"a component does not fit on {modes} modes")

    def _kind(self, number: int, message: memoryview, depth: int) -> None:
        name = str(MESSAGES["Component"][number])
        if name == "Circuit":
            self._circuit(message, name, depth + 1)
            return
        self.components += 1
        self._message(message, name, depth)

    def _message(self, message: memoryview, name: str, depth: int) -> None:
        for number, value in self._parts(message, name):
            self._field(name, number, value, depth)

    def _field(self, name: str, number: int, value: Value, depth: int) -> None:
        kind = MESSAGES[name][number]
        if kind is Kind.WHOLE:
            if not isinstance(value, int) or value >= _LARGEST:
                raise MalformedError
        elif kind == "Parameter":
            self._parameter(_bytes(value))
        elif kind == "Numbers":
            if not _NUMBERS.fullmatch(_bytes(value)):
                raise UnusableError("program_number", "a matrix holds something else than finite numbers")
        elif isinstance(kind, str):
            self._message(_bytes(value), kind, depth)
        elif kind is Kind.WHOLES:
            self._wholes(value)
        elif kind is Kind.REAL:
            _real(value)
        elif kind is Kind.STATE:
            self._state(_text(value))
        else:
            self._check_text(kind, _text(value))

    def _wholes(self, value: Value) -> None:
        packed = value if isinstance(value, memoryview) else memoryview(b"")
        if len(packed) > self.limits.modes * 2:  # a mode's number has two bytes at most
            raise MalformedError

    def _state(self, text: str) -> None:
        if not STATE.fullmatch(text):
            raise UnusableError("program_blob", "the input state inside is no Fock state such as |1,0,1>")
        self.input_state = text

    def _check_text(self, kind: Kind, text: str) -> None:
        if kind is Kind.LABEL and not is_label(text):
            raise UnusableError(
                "program_name", f"a label inside, {text[:40]!r}, has other signs than letters, digits, .:#()"
            )
        if kind is Kind.SELECTION and not _SELECTION.fullmatch(text):
            raise UnusableError("program_blob", "the post-selection has an unknown form")
        if kind is Kind.NOISE:
            self._noise(text)

    def _noise(self, text: str) -> None:
        """As strict as the noise beside the experiment: Perceval would open any object of its that stood here."""
        if not text.startswith(_NOISE):
            raise UnusableError("program_blob", "the noise inside is no noise model")
        try:
            check(jsontext.load(text.removeprefix(_NOISE), self.limits), schema("perceval")["properties"]["noise"])
        except ProgramInvalid as wrong:
            raise UnusableError("program_blob", f"the noise model inside: {wrong.detail}"[:200]) from None

    def _parameter(self, message: memoryview) -> None:
        """A number, a name, or an expression with the plain parameters that it needs."""
        parts = self._parts(message, "Parameter")
        found = {number: value for number, value in parts if number != _INNER}
        inner = [_bytes(value) for number, value in parts if number == _INNER]
        if len(found.keys() & {_REAL, _SYMBOL, _EXPRESSION}) > 1 or (inner and _EXPRESSION not in found):
            raise UnusableError("program_blob", "a parameter is two things at once")
        if _EXPRESSION in found:
            self._expression(found, inner)
            return
        name = _name(found[_NAME]) if _NAME in found else ""
        if _REAL in found:
            _real(found[_REAL])
        if _SYMBOL in found:
            symbol = _name(found[_SYMBOL])
            if name not in ("", symbol):
                raise UnusableError("program_blob", "a parameter has two names")
            self.parameters[symbol] = None
        if len(self.parameters) > self.limits.parameters:
            raise UnusableError("program_too_large", f"more than {self.limits.parameters} parameters")

    def _expression(self, found: dict[int, Value], inner: list[memoryview]) -> None:
        terms = [_term(_text(found[number])) for number in (_EXPRESSION, _NAME) if number in found]
        own: set[str] = set()
        for message in inner:
            parts = dict(self._parts(message, "Parameter"))
            if parts.keys() & {_EXPRESSION, _INNER}:
                raise UnusableError("program_unsupported", "an expression on expressions is not supported")
            self._parameter(message)
            own |= {_name(parts[number]) for number in (_SYMBOL, _NAME) if number in parts}
        if any(names(one) != own for one in terms) or any(one != terms[0] for one in terms):
            _not_arithmetic()

    def _parts(self, message: memoryview, name: str) -> Parts:
        """The fields of a message: those that it may have, each once unless it is a list."""
        known, found, seen = MESSAGES[name], [], set()
        for field in fields(message):
            found.append(field)
            self._seen += 1
            if self._seen > self.limits.fields:
                raise UnusableError("program_too_long", f"the circuit has more than {self.limits.fields} parts")
        for number, _ in found:
            if number not in known:
                raise UnusableError(
                    "program_unsupported", f"{_WHAT.get(name, 'the circuit has a part')} that is not known here"
                )
            if number in seen and (name, number) not in REPEATED:
                raise MalformedError
            seen.add(number)
        return found


_WHAT = {
    "Component": "feed-forward and compiled circuits are not supported: a component of a kind",
    "Matrix": "symbolic matrices are not supported: a matrix has a part",
}


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise MalformedError
    return value


def _real(value: Value) -> None:
    content = _bytes(value)
    if len(content) != _DOUBLE.size:
        raise MalformedError
    if not isfinite(_DOUBLE.unpack(content)[0]):
        raise UnusableError("program_number", "a number inside is not finite")


def _text(value: Value) -> str:
    try:
        return bytes(_bytes(value)).decode()
    except UnicodeDecodeError:
        raise MalformedError from None


def _name(value: Value) -> str:
    name = _text(value)
    if not is_name(name) or name in FUNCTIONS or name in CONSTANTS:
        raise UnusableError("program_blob", "a parameter has a name that is none")
    return name


def _term(text: str) -> Term:
    try:
        return term(text)
    except NotArithmeticError as wrong:
        _not_arithmetic(f": {wrong}")


def _not_arithmetic(why: str = "") -> NoReturn:
    raise UnusableError("program_blob", f"a parameter expression is not plain arithmetic on its parameters{why}")
