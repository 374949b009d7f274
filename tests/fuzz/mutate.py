"""How does a real program become a hostile one? By few changes; most of them keep its structure."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from broker.domain.program import Format
from tests.fuzz import mild, protobuf
from tests.support.hostile.attacks import ATTACKS, CODE, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_TOKEN = re.compile(r"\s+|//[^\n]*|\"[^\"\n]*\"?|[A-Za-z_]\w*|[0-9.]+(?:[eE][+-]?\d+)?|->|==|.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 1e308, -1e308, 1e-320, 0.1, "1e999", "NaN", "Infinity")
_TEXTS = ("", " ", "\x00", "\ud800", "\u202e", "\ufeff", "\u0430", "\n", "\t", "'", '"', "\\", "%", "{}")
_QASM = (
    "#pragma braket noise {};",
    "#pragma {}",
    "pragma {}\n",
    "@{}\n",
    'include "{}";',
    "// {}\n",
    "/* {} */",
    'defcalgrammar "{}";',
    "cal {{ {} }}",
    "defcal x q {{ {} }}",
    "input float {};",
    "gate {} a {{ h a; }}",
    "extern {}(int) -> int;",
    "def {}(qubit a) {{ h a; }}",
    "bit[2] {};",
    "qreg {}[1];",
    "opaque {} a;",
    "rx({}) q[0];",
    "if ({}) {{ }}",
    "let {} = q;",
    "for int {} in [0:1] {{ }}",
    "const int {} = 1;",
)
_KEYS = ("__class__", "__module__", "__reduce__", "$ref", "$schema", "$id", "expression", "py/object", "constructor")
_BLOBS = ("circuit", "experiment")
_MOST = 4


def mutated(form: Format, sources: Sequence[str], draw: Random) -> str:
    """One of the programs after one to four changes; half of them are mild, so that children get their share."""
    source = draw.choice(sources)
    if draw.random() < 0.5:
        for _ in range(draw.randint(1, _MOST)):
            source = mild.changed(form, source, draw)
        return source
    for _ in range(draw.choice((1, 1, 1, 2, 2, _MOST))):
        if draw.random() < 0.1:
            source = _text(source, draw)
        elif form in (Format.OPENQASM2, Format.OPENQASM3):
            source = _qasm(source, draw, sources)
        else:
            source = _json(form, source, draw, sources)
    return source


def _attack(draw: Random) -> str:
    return draw.choice(draw.choice((CODE, ATTACKS, WORDS, _TEXTS)))


def _text(source: str, draw: Random) -> str:
    at, end = sorted(draw.randint(0, len(source)) for _ in range(2))
    end = min(end, at + draw.choice((0, 1, 4, 200)))
    return (
        source[:at] + draw.choice(("", _attack(draw), source[at:end] * 2, chr(draw.randint(0, 0x2FF)))) + source[end:]
    )


def _qasm(source: str, draw: Random, sources: Sequence[str]) -> str:
    tokens = _TOKEN.findall(source)
    if not tokens:
        return source
    at = draw.randrange(len(tokens))
    deed = draw.randrange(8)
    if deed == 0:
        tokens[at] = _attack(draw)
    elif deed == 1:
        tokens[at] = draw.choice(_TOKEN.findall(draw.choice(sources)) or [""])
    elif deed == 2:
        del tokens[at : at + draw.randint(1, 5)]
    elif deed == 3:
        tokens[at:at] = tokens[at : at + draw.randint(1, 40)]
    elif deed == 4:
        return _renamed(source, draw)
    elif deed == 5:
        tokens[at] = str(draw.choice(_NUMBERS))
    elif deed == 6:
        statements = draw.choice(sources).split(";")
        tokens.insert(_after(tokens, at), draw.choice(statements) + ";")
    else:
        tokens.insert(_after(tokens, at), "\n" + draw.choice(_QASM).format(_attack(draw)))
    return "".join(tokens)


def _after(tokens: Sequence[str], at: int) -> int:
    """Behind the statement that token ``at`` stands in."""
    return next((place + 1 for place in range(at, len(tokens)) if tokens[place] in (";", "}")), len(tokens))


def _renamed(source: str, draw: Random) -> str:
    """One name throughout becomes another."""
    names = sorted(set(_WORD.findall(source)))
    if not names:
        return source
    old, new = draw.choice(names), draw.choice((*WORDS, _attack(draw)))
    return re.sub(rf"\b{old}\b", lambda _: new, source)


def _json(form: Format, source: str, draw: Random, sources: Sequence[str]) -> str:
    try:
        document = json.loads(source)
    except ValueError:
        return _text(source, draw)
    if not isinstance(document, dict):
        return _text(source, draw)
    if form is Format.PERCEVAL and draw.random() < 0.6:
        _inside(document, draw)
    else:
        _change(document, draw, sources)
    try:
        return json.dumps(document, ensure_ascii=draw.random() < 0.5)
    except (ValueError, RecursionError):
        return source


def _inside(document: dict[str, Any], draw: Random) -> None:
    for key in _BLOBS:
        if isinstance(document.get(key), str):
            document[key] = protobuf.mutated(document[key], draw, _attack)


def _change(document: dict[str, Any], draw: Random, sources: Sequence[str]) -> None:
    path = draw.choice(_paths(document))
    if not path:
        return
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    last = path[-1]
    deed = draw.randrange(8)
    if deed < 3:
        parent[last] = _attack(draw)
    elif deed == 3:
        parent[last] = draw.choice((*_NUMBERS, None, True, [], {}, [[]], float("nan")))
    elif deed == 4 and isinstance(parent, dict):
        parent[draw.choice((*_KEYS, _attack(draw)))] = parent.pop(last)
    elif deed == 5 and isinstance(parent, dict):
        parent[draw.choice((*_KEYS, _attack(draw)))] = draw.choice((_attack(draw), {"variable": _attack(draw)}, 1))
    elif deed == 6:
        parent[last] = copy.deepcopy(_anything(draw.choice(sources), draw))
    elif isinstance(parent, list):
        parent.insert(last, copy.deepcopy(parent[last]))
    else:
        del parent[last]


def _anything(source: str, draw: Random) -> object:
    try:
        value = json.loads(source)
    except ValueError:
        return None
    for step in draw.choice(_paths(value) or [()]):
        value = value[step]
    return value


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        items = list(value.items())
    else:
        items = list(enumerate(value[:8])) if isinstance(value, list) else []
    for step, item in items:
        found += _paths(item, (*path, step))
    return found or [()]
