"""Where are we in the text? The words, the names declared and the totals so far."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from broker.domain.errors import ProgramInvalid
from broker.domain.requirement import Register
from broker.intake.qasm.events import HIDDEN
from broker.intake.qasm.symbols import Bits
from broker.intake.qasm.tally import Tally
from broker.intake.qasm.tokens import END, locate, words
from broker.intake.text import deceptive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from broker.intake.limits import Limits
    from broker.intake.qasm.events import Builder
    from broker.intake.qasm.gates import Gate
    from broker.intake.qasm.symbols import Symbol

    Verb = Callable[["Reading"], None]

_KEYWORDS = frozenset(
    (
        "OPENQASM",
        "include",
        "qreg",
        "creg",
        "qubit",
        "bit",
        "bool",
        "int",
        "uint",
        "float",
        "angle",
        "complex",
        "duration",
        "stretch",
        "array",
        "gate",
        "opaque",
        "def",
        "defcal",
        "defcalgrammar",
        "cal",
        "extern",
        "input",
        "output",
        "const",
        "let",
        "if",
        "else",
        "for",
        "while",
        "in",
        "switch",
        "case",
        "default",
        "break",
        "continue",
        "return",
        "end",
        "measure",
        "reset",
        "barrier",
        "delay",
        "box",
        "durationof",
        "ctrl",
        "negctrl",
        "inv",
        "pow",
        "gphase",
        "U",
        "true",
        "false",
        "pi",
        "tau",
        "euler",
        "void",
        "readonly",
        "mutable",
        "creg",
        "pragma",
        "sizeof",
    )
)

_KEYWORDS2 = frozenset(
    ("OPENQASM", "include", "qreg", "creg", "gate", "opaque", "measure", "reset", "barrier", "if", "U", "CX", "pi")
)


class Reading:
    """The state of one pass over the words of a program.

    ``times`` says how often the current statement runs; ``nesting`` how deep we are in braces and brackets together;
    ``budget`` how many words may still be read again to run a loop exactly. ``guarded``: measured bits decide
    whether we get here. ``vague``: how many blocks around us are read once for all their rounds, or not surely; what
    is assigned there is not followed. A ``builder`` is told of every statement that acts, and then each loop is run
    exactly. ``point`` gives its ``inputs`` values; without it they are terms.
    """

    def __init__(
        self, source: str, limits: Limits, verbs: Mapping[str, Verb], gates: Mapping[str, Gate], version: int
    ) -> None:
        self.source = source
        self.limits = limits
        self.words = words(source)
        self.at = 0
        self.verbs = verbs
        self.gates = dict(gates)
        self.names: dict[str, Symbol] = {}
        self.operands: dict[str, int] = {}
        self.physical: dict[str, int] = {}
        self.tally = Tally()
        self.times = 1
        self.nesting = 0
        self.budget = 20_000 + len(self.words)
        self.registers: list[Register] = []
        self.bits = 0
        self.parameters: list[str] = []
        self.kept = False
        self.defining: str | None = None
        self.guarded = False
        self.included: set[str] = set()
        self.blocks: list[dict[str, Symbol | None]] = []
        self.version = version
        self.braces: dict[int, int] | None = None
        self.builder: Builder | None = None
        self.point: Mapping[str, float] | None = None
        self.vague = 0
        self.asked: set[str] = set()
        self.followed: set[str] = set()
        self.hidden = 0
        if len(self.words) > limits.tokens:
            self.fail("program_too_large", f"the program has more than {limits.tokens} words", at=limits.tokens)

    def fail(self, code: str, detail: str, *, at: int | None = None, hint: str | None = None) -> NoReturn:
        """Refuse the program at word ``at`` (default: the current one)."""
        line, column = locate(self.source, self.at if at is None else at)
        raise ProgramInvalid(code, detail, line=line, column=column, hint=hint)

    def unexpected(self, wanted: str) -> NoReturn:
        """Refuse the current word because ``wanted`` should stand here."""
        word = self.words[self.at]
        if word == END:
            self.fail("program_syntax", f"the program ends where {wanted} should stand")
        if word.startswith("/*"):
            self.fail("program_syntax", "this comment never ends", hint="close it with */")
        if word[0] == '"' and (len(word) == 1 or word[-1] != '"'):
            self.fail("program_syntax", "this string never ends", hint='close it with " on the same line')
        self.fail("program_syntax", f"found {shown(word)} where {wanted} should stand")

    def accept(self, word: str) -> bool:
        """Step over ``word`` if it stands here."""
        if self.words[self.at] != word:
            return False
        self.at += 1
        return True

    def expect(self, word: str) -> None:
        """Step over ``word`` or refuse."""
        if self.words[self.at] != word:
            self.unexpected(f"'{word}'")
        self.at += 1

    def split(self) -> tuple[str, str | None]:
        """Step over a name; ``q[3]`` gives its index too, as written."""
        word = self.words[self.at]
        if not word[:1].isalpha() and word[:1] != "_":
            self.unexpected("a name")
        self.at += 1
        if word[-1] != "]":
            return word, None
        name, _, index = word[:-1].partition("[")
        return name, index

    def new_name(self) -> tuple[str, str | None]:
        """Step over a name that is being declared (with its ``[size]`` if written so) and check it."""
        at = self.at
        name, index = self.split()
        if name in (_KEYWORDS if self.version == 3 else _KEYWORDS2):  # noqa: PLR2004
            self.fail("program_syntax", f"'{name}' is a word of the language and cannot be a name", at=at)
        if len(name) > self.limits.name:
            self.fail("program_name", f"this name has {len(name)} characters, at most {self.limits.name}", at=at)
        if not name.isascii():
            self._check_unicode(name, at)
        return name, index

    def declare(self, name: str, symbol: Symbol, at: int) -> None:
        """Give ``name`` a meaning in the current block; an inner block may give an outer name a new one."""
        block: Mapping[str, Symbol | None] = self.blocks[-1] if self.blocks else self.names
        if name in block or self._is_gate(name):
            self.fail("program_redefined", f"'{name}' is already declared", at=at)
        if self.blocks:
            self.blocks[-1][name] = self.names.get(name)
        self.names[name] = symbol
        if self.defining is None:
            self.operands.clear()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """One level of braces: what is declared inside is forgotten after it."""
        self.deeper()
        self.blocks.append({})
        hidden = self.hidden
        try:
            yield
        finally:
            self.hidden = hidden
            self.nesting -= 1
            self._forget(self.blocks.pop())

    def deeper(self) -> None:
        """Go one level down; the caller comes up again by ``nesting -= 1``."""
        self.nesting += 1
        if self.nesting > self.limits.nesting:
            self.fail("program_nesting", f"nested deeper than {self.limits.nesting} levels")

    def charge(self, at: int) -> None:
        """Refuse as soon as the totals pass what a program may ask for."""
        if self.tally.operations > self.limits.operations or self.tally.work > self.limits.work:
            self.too_long(at)

    def too_long(self, at: int) -> NoReturn:
        """Refuse the statement at word ``at``: with it the program is too much."""
        self.fail(
            "program_too_long",
            f"the program expands to more than {self.limits.operations} operations",
            at=at,
            hint="make loops shorter, gate definitions flatter, or split the program into several jobs",
        )

    def add_bits(self, name: str, size: int, at: int) -> None:
        """Declare a classical register; one inside of a block is hidden, and gone after it."""
        if self.bits + self.hidden + size > self.limits.bits:
            self.fail("program_too_wide", f"more than {self.limits.bits} classical bits", at=at)
        if self.blocks:
            symbol = Bits(name, size, HIDDEN + self.hidden)
            self.hidden += size
        else:
            symbol = Bits(name, size, self.bits)
            self.bits += size
            self.registers.append(Register(name=name, size=size, offset=symbol.first))
        self.declare(name, symbol, at)
        if self.builder is not None:
            self.builder.bits(symbol.places)

    def _is_gate(self, name: str) -> bool:
        """Whether ``name`` is taken by a gate; inner blocks and Braket's unwritten library leave it free."""
        gate = self.gates.get(name)
        if gate is None or self.blocks:
            return False
        return gate.declared or bool(self.included) or self.version == 2  # noqa: PLR2004

    def _forget(self, block: Mapping[str, Symbol | None]) -> None:
        for name, old in block.items():
            if old is None:
                del self.names[name]
            else:
                self.names[name] = old
        if block and self.defining is None:
            self.operands.clear()

    def _check_unicode(self, name: str, at: int) -> None:
        character = deceptive(name)
        if character is not None:
            self.fail(
                "program_character",
                f"U+{ord(character):04X} in a name can be taken for another character",
                at=at,
                hint="use ASCII letters, or lower-case Greek as in θ",
            )


def shown(word: str) -> str:
    """A word as an error message may quote it: short, printable."""
    return repr(word if len(word) <= 40 else word[:37] + "...")  # noqa: PLR2004  one line of a terminal
