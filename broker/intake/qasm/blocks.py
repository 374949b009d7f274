"""Which statement stands here, and when does a block of them end?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.calls import call, undefined
from broker.intake.qasm.tokens import END

if TYPE_CHECKING:
    from broker.intake.qasm.reading import Reading


def program(reading: Reading) -> None:
    """Read statements to the end of the text."""
    while reading.words[reading.at] != END:
        statement(reading)


def block(reading: Reading) -> None:
    """Read ``{ statements }``, or the one statement that may stand in its place."""
    with reading.scope():
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
    if gate is not None:
        call(reading, gate)
        return
    verb = reading.verbs.get(word)
    if verb is None and word[-1:] == "]":
        verb = reading.verbs.get(word[: word.index("[")])
    if verb is None:
        verb = reading.verbs.get("=")
        if verb is None or not _assigns(reading, word):
            undefined(reading)
    reading.tally.work += reading.times
    verb(reading)
    reading.charge(reading.at - 1)


def _assigns(reading: Reading, word: str) -> bool:
    return word.partition("[")[0] in reading.names
