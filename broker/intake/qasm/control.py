"""How often does a block run? Exactly where that is cheap to follow, else by a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from broker.intake.qasm.blocks import block, inside, statement
from broker.intake.qasm.expressions import condition, evaluate, integer
from broker.intake.qasm.kinds import kept_as
from broker.intake.qasm.numbers import number, whole
from broker.intake.qasm.places import bits_of
from broker.intake.qasm.skipping import braces, skip
from broker.intake.qasm.symbols import Measured, Number, Somewhere
from broker.intake.qasm.terms import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Found, Value

_UNBOUNDED = "program_loop_unbounded"


def if_register(reading: Reading) -> None:
    """Step over OpenQASM 2's ``if (c == 3) operation;``."""
    reading.at += 1
    reading.expect("(")
    if not reading.words[reading.at].isidentifier():
        reading.unexpected("a classical register")
    bits = bits_of(reading)
    assert not isinstance(bits, Somewhere)  # noqa: S101  a whole register
    reading.expect("==")
    wanted = number(reading)
    reading.expect(")")
    if reading.words[reading.at] in {"if", "gate", "qreg", "creg", "include", "opaque", "barrier", "{"}:
        reading.unexpected("a quantum operation")
    _after_measurements(reading)
    if reading.builder is not None:
        reading.builder.branch(Measured("==", parts=(Measured("register", bits), wanted), depth=1))
    statement(reading)
    if reading.builder is not None:
        reading.builder.merge()


def if_else(reading: Reading) -> None:
    """Step over ``if (condition) {...} else if ... else {...}``.

    Every branch counts that may be taken; where the condition is known, the other one is not even looked into, as in
    the last round of ``for int i in [0:n-1] { if (i < n-1) { cx q[i], q[i+1]; } }``.
    """
    before = reading.guarded, reading.vague
    open_ = 0
    while True:
        found = _asked(reading)
        known = _known(reading, found)
        open_ += isinstance(found, Measured)
        if known is False:
            skip(reading)
        else:
            block(reading)
        if not reading.accept("else"):
            break
        if known:
            skip(reading)
            break
        if isinstance(found, Measured) and reading.builder is not None:
            reading.builder.otherwise()
        if reading.words[reading.at] != "if":
            block(reading)
            break
    reading.guarded, reading.vague = before
    if reading.builder is not None:
        for _ in range(open_):
            reading.builder.merge()


def _asked(reading: Reading) -> Found:
    """Step over ``if (condition)``."""
    reading.at += 1
    reading.expect("(")
    found = condition(reading)
    reading.expect(")")
    if isinstance(found, Measured):
        reading.guarded = True
        if reading.builder is not None:
            reading.builder.branch(found)
    return found


def _known(reading: Reading, found: Found) -> bool | None:
    """What the condition is before the run; None: what is assigned behind it is not followed."""
    value = None if isinstance(found, Measured) else settled(found)
    if value is not None:
        return bool(value)
    reading.vague += not isinstance(found, Measured)
    _after_measurements(reading)
    return None


def loop(reading: Reading) -> None:
    """Step over ``for int i in [a:b] {...}``: run it exactly where that is cheap, bound it where not."""
    start = reading.at
    reading.at += 1
    kept = _type(reading)
    at = reading.at
    name, index = reading.new_name()
    if index is not None:
        reading.fail("program_syntax", "a loop variable has no index", at=at)
    if not reading.accept("in"):
        reading.unexpected("'in'")
    values = _values(reading)
    _affordable(reading, len(values), start)
    body = reading.at
    if not values:
        skip(reading)
        return
    length = _length(reading, body)
    if length is not None and length * len(values) <= reading.budget:
        reading.budget -= length * len(values)
        for value in values:
            reading.at = body
            _run(reading, name, kept(value), at)
        return
    _bound(reading, name, len(values), at)


def _type(reading: Reading) -> Callable[[Value], Value]:
    word = reading.words[reading.at].partition("[")[0]
    if word not in {"int", "uint", "float", "angle", "bool"}:
        return kept_as("int", 0)
    at = reading.at
    _, index = reading.split()
    width = whole(reading, index, at) if index is not None else 0
    if reading.accept("["):
        width = integer(reading, "a width") or 0
        reading.expect("]")
    if width < 0:
        reading.fail("program_size", "a width must be at least 1", at=at)
    return kept_as(word, width)


def box(reading: Reading) -> None:
    """Step over ``box {...}`` or ``box[duration] {...}``, which run once."""
    reading.at += 1
    if reading.accept("["):
        evaluate(reading)
        reading.expect("]")
    block(reading)


def endless(reading: Reading) -> NoReturn:
    """Refuse ``while``: nobody knows how long it runs."""
    reading.fail(
        _UNBOUNDED,
        "'while' has no bound that is known before the run",
        hint="use 'for' over a constant range",
    )


def _run(reading: Reading, name: str, value: Value, at: int) -> None:
    with reading.scope():
        reading.declare(name, Number(value), at)
        inside(reading)


def _bound(reading: Reading, name: str, count: int, at: int) -> None:
    """Read the body once and count it ``count`` times."""
    times, reading.times = reading.times, reading.times * count
    budget, reading.budget = reading.budget, 0
    tally = reading.tally
    _forget(reading)
    reading.vague += 1
    # One round may wait for any qubit of the round before: only from a common floor is rounds x depth a bound.
    tally.floor = tally.peak
    _run(reading, name, None, at)
    tally.floor = tally.peak
    reading.vague -= 1
    reading.times, reading.budget = times, budget
    tally.dynamic = tally.dynamic or bool(tally.measured)


def _forget(reading: Reading) -> None:
    """A round may find what the round before assigned."""
    for name in reading.followed:
        symbol = reading.names.get(name)
        if isinstance(symbol, Number) and symbol.kept is not None:
            reading.names[name] = Number(None, symbol.kept)
    reading.followed.clear()


def _values(reading: Reading) -> Sequence[int]:
    at = reading.at
    if reading.accept("{"):
        return _listed(reading)
    if not reading.accept("["):
        reading.fail("program_unsupported", "a loop over something else than a range or a set", at=at)
    parts = [integer(reading, "a bound", code=_UNBOUNDED)]
    while reading.accept(":"):
        parts.append(integer(reading, "a bound", code=_UNBOUNDED))
    reading.expect("]")
    known = [part for part in parts if part is not None]
    if len(known) != len(parts):
        reading.fail(_UNBOUNDED, "the bounds of this loop are not constants", at=at)
    if len(known) not in {2, 3}:
        reading.fail("program_syntax", "a range is [first:last] or [first:step:last]", at=at)
    step = known[1] if len(known) == 3 else 1  # noqa: PLR2004  first, step, last
    if step == 0:
        reading.fail(_UNBOUNDED, "this loop has step 0", at=at)
    return _range(reading, known[0], step, known[-1], at)


def _range(reading: Reading, first: int, step: int, last: int, at: int) -> range:
    values = range(first, last + (1 if step > 0 else -1), step)
    if (last - first) // step > reading.limits.work:
        reading.too_long(at)
    return values


def _listed(reading: Reading) -> list[int]:
    values: list[int] = []
    while not reading.accept("}"):
        if values:
            reading.expect(",")
        value = integer(reading, "a loop value", code=_UNBOUNDED)
        if value is None:
            reading.fail(_UNBOUNDED, "the values of this loop are not constants")
        values.append(value)
    return values


def _affordable(reading: Reading, count: int, start: int) -> None:
    reading.tally.work += count * reading.times
    reading.charge(start)


def _length(reading: Reading, body: int) -> int | None:
    """How many words the body has, if that is quickly known."""
    if reading.builder is not None:
        return 1
    words = reading.words
    if words[body] == "{":
        end = braces(reading).get(body)
        return None if end is None else end - body + 1
    if words[body] in {"for", "if", "while", "box", "switch"}:
        return None
    return words.index(";", body) - body + 1 if ";" in words[body : body + 1000] else None


def _after_measurements(reading: Reading) -> None:
    """What a condition guards cannot start before the bits that it reads are there."""
    tally = reading.tally
    tally.dynamic = True
    if tally.measured:
        tally.floor = max(tally.floor, tally.answered)
