"""Which changes leave a program a program, more often than not? These reach what stands behind intake."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from broker.domain.program import Format
from tests.fuzz.protobuf import mutated
from tests.support.hostile.attacks import WORDS

if TYPE_CHECKING:
    from random import Random

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DECLARED = re.compile(r"\b(?:qreg|creg|gate|float|angle|qubit(?:\[\d+\])?|bit(?:\[\d+\])?)\s+([A-Za-z_]\w*)")
_LEGAL = tuple(word for word in WORDS if word not in ("pi", "sin"))
_PLAIN = ("0", "1", "2", "3", "0.5", "1.5e-3", "3.14159", "7")
_GATES = ("h", "x", "s", "t", "z", "y", "sdg")
_TERMS = ("theta", "2*theta", "theta**2", "sin(theta)", "pi/2", "E*theta", "antigravity", "qsubmit_canary", "I+S")


def changed(form: Format, source: str, draw: Random) -> str:
    """The program with a number, a name, a statement or a label changed for a legal one."""
    if form in (Format.OPENQASM2, Format.OPENQASM3):
        return draw.choice((_number, _name, _statement, _gate))(source, draw)
    try:
        document = json.loads(source)
    except ValueError:
        return source
    if form is Format.PERCEVAL and draw.random() < 0.7:
        for key in ("circuit", "experiment"):
            if isinstance(document.get(key), str):
                document[key] = mutated(document[key], draw, lambda each: each.choice((*_LEGAL, *_TERMS)))
    else:
        _leaf(document, draw)
    return json.dumps(document)


def _number(source: str, draw: Random) -> str:
    found = list(_NUMBER.finditer(source))[1:]  # the first is the version
    if not found:
        return source
    match = draw.choice(found)
    return source[: match.start()] + draw.choice(_PLAIN) + source[match.end() :]


def _name(source: str, draw: Random) -> str:
    names = sorted(set(_DECLARED.findall(source)))
    if not names:
        return source
    new = draw.choice(_LEGAL)
    return re.sub(rf"\b{draw.choice(names)}\b", lambda _: new, source)


def _statement(source: str, draw: Random) -> str:
    statements = source.split(";")
    at = draw.randrange(len(statements))
    if at > 1 and draw.random() < 0.5:
        del statements[at]
    else:
        statements.insert(at, statements[at])
    return ";".join(statements)


def _gate(source: str, draw: Random) -> str:
    return re.sub(r"\b[hxstzy]\b(?= \w)", lambda _: draw.choice(_GATES), source, count=draw.randint(1, 4))


def _leaf(document: Any, draw: Random) -> None:
    leaves = list(_leaves(document))
    if not leaves:
        return
    parent, step = draw.choice(leaves)
    value = parent[step]
    if isinstance(value, bool) or value is None:
        parent[step] = draw.choice((True, False, None))
    elif isinstance(value, int | float):
        parent[step] = draw.choice((value, value * 2, value / 2, value + 1, -value, 0, int(value)))
    elif isinstance(value, str) and _NUMBER.fullmatch(value):
        parent[step] = draw.choice(_PLAIN)
    else:
        others = [str(other[place]) for other, place in leaves if isinstance(other[place], str)]
        parent[step] = draw.choice((*_LEGAL, *others[:20]))


def _leaves(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for step, item in items:
        found += _leaves(item) if isinstance(item, dict | list) else [(value, step)]
    return found
