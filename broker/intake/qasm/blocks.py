"""Which statement stands here? Looked up by its first word, until the block or the text ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.calls import call, undefined
from broker.intake.qasm.tokens import END

if TYPE_CHECKING:
    from broker.intake.qasm.reading import Reading, Verb

ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "~="})
# No word of a text can be this one.
ASSIGN = " ="


def program(reading: Reading) -> None:
    """Read statements to the end of the text."""
    while reading.words[reading.at] != END:
        statement(reading)


def block(reading: Reading) -> None:
    """Read ``{ statements }``, or the one statement that may stand in its place."""
    with reading.scope():
        inside(reading)


def inside(reading: Reading) -> None:
    """Read a block whose scope the caller has opened, for a name that is declared with it."""
    if not reading.accept("{"):
        statement(reading)
        return
    while not reading.accept("}"):
        if reading.words[reading.at] == END:
            reading.unexpected("'}'")
        statement(reading)


def statement(reading: Reading) -> None:
    """Read one statement."""
    word = reading.words[reading.at]
    gate = reading.gates.get(word)
    if gate is not None and (word not in reading.names or reading.words[reading.at + 1] not in ASSIGNMENTS):
        call(reading, gate)
        return
    verb = reading.verbs.get(word) or _other(reading, word)
    if verb is None:
        undefined(reading)
    reading.tally.work += reading.times
    verb(reading)
    reading.charge(reading.at - 1)


def _other(reading: Reading, word: str) -> Verb | None:
    """A statement whose first word is not the word of its verb: ``bit[2] c;``, ``c[0] = ...``, a pragma."""
    if word.startswith(("#", "pragma")) and not word.isidentifier():
        return reading.verbs.get("pragma")
    name = word.partition("[")[0]
    return reading.verbs.get(ASSIGN if name in reading.names else name)
