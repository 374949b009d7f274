"""Has a JSON value the shape that a schema file asks for? If not, the pointer says where.

The schema words are those of JSON Schema (type, properties, required, additionalProperties, items, enum, pattern,
minimum, maximum, minItems, maxItems, minLength, maxLength, $ref), and some of our own that keep the check linear and
the errors exact: ``tag`` with ``cases`` chooses a schema by the value of one key, ``kinds`` by the JSON type;
``finite`` marks a text that is a number; ``form`` names an allow-list of ``broker.intake.names`` for a text, ``keys``
one for the keys that ``properties`` does not list; ``tree`` marks a value that we do not read and a library does: all
keys inside are names, all texts labels.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

from broker.domain.errors import ProgramInvalid
from broker.intake.jsontext import escape
from broker.intake.names import is_key, is_label, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = Mapping[str, Any]

_KIND = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean"}
_NUMBERS = frozenset({int, float})
_FORMS = {
    "name": (is_name, "must be a name: letters, digits and _, at most 64"),
    "key": (is_key, "must be of letters, digits, spaces and _ . : # -, at most 100"),
    "label": (is_label, "must be of letters, digits, spaces and _ . , : + - # ( ), at most 100"),
}


@cache
def schema(name: str) -> Schema:
    """The schema file ``name``.json beside this module."""
    text = resources.files("broker.intake").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    loaded: Schema = json.loads(text)
    return loaded


def check(value: object, root: Schema) -> None:
    """Refuse ``value`` unless it fits ``root``."""
    _check(value, root, root, ())


def refuse(
    path: tuple[str | int, ...], detail: str, *, code: str = "program_schema", hint: str | None = None
) -> NoReturn:
    """Refuse the value at ``path``."""
    pointer = "".join(f"/{escape(str(step))}" for step in path)
    raise ProgramInvalid(code, f"{pointer or 'the program'}: {detail}", pointer=pointer, hint=hint)


def kind_of(value: object) -> str:
    """The JSON type of a value."""
    return _KIND.get(type(value), "null")


def _check(value: object, part: Schema, root: Schema, path: tuple[str | int, ...]) -> None:
    while "$ref" in part:
        part = root["definitions"][part["$ref"]]
    if "tree" in part:
        _tree(value, path)
    kind = kind_of(value)
    if "kinds" in part:
        part = _kind(kind, part["kinds"], path)
        _check(value, part, root, path)
        return
    wanted = part.get("type")
    if wanted is not None and kind != wanted and not (wanted == "number" and kind == "integer"):
        refuse(path, f"must be {_article(wanted)}, not {_article(kind)}")
    if "enum" in part and (value not in part["enum"] or kind == "boolean"):
        refuse(path, f"must be one of {', '.join(map(str, part['enum']))}")
    _CHECKS.get(kind, _nothing)(value, part, root, path)


def _object(value: dict[str, Any], part: Schema, root: Schema, path: tuple[str | int, ...]) -> None:
    if "tag" in part:
        part = _tagged(value, part, path)
    missing = [key for key in part.get("required", ()) if key not in value]
    if missing:
        refuse(path, f"lacks {', '.join(missing)}")
    if len(value) > part.get("maxProperties", len(value)):
        refuse(path, f"has more than {part['maxProperties']} entries")
    known = part.get("properties", {})
    other = part.get("additionalProperties", {})
    for key, item in value.items():
        inner = known.get(key, other)
        if inner is False or key.startswith("__"):
            allowed = f"known here: {', '.join(sorted(known))}" if known else None
            refuse((*path, key), "is not known here", hint=allowed)
        if "keys" in part and key not in known:
            _formed(key, part["keys"], (*path, key))
        if inner:
            _check(item, inner, root, (*path, key))


def _array(value: list[Any], part: Schema, root: Schema, path: tuple[str | int, ...]) -> None:
    if not part.get("minItems", 0) <= len(value) <= part.get("maxItems", len(value)):
        refuse(path, f"has {len(value)} items, allowed are {part.get('minItems', 0)} to {part.get('maxItems', 'any')}")
    items = part.get("items", {})
    while "$ref" in items:
        items = root["definitions"][items["$ref"]]
    plain = items == {"type": "number"} or items.get("kinds", {}).get("number") == {}
    if not items or (plain and set(map(type, value)) <= _NUMBERS):
        return
    for number, item in enumerate(value):
        _check(item, items, root, (*path, number))


def _string(value: str, part: Schema, _root: Schema, path: tuple[str | int, ...]) -> None:
    if not part.get("minLength", 0) <= len(value) <= part.get("maxLength", 1000):
        refuse(path, f"has {len(value)} characters")
    if "form" in part:
        _formed(value, part["form"], path)
    if "pattern" in part and not _compiled(part["pattern"]).fullmatch(value):
        refuse(path, part.get("meaning", "has not the expected form"))
    if part.get("finite") and not isfinite(float(value)):
        refuse(path, "this number is too large", code="program_number")


def _formed(text: str, form: str, path: tuple[str | int, ...]) -> None:
    fits, meaning = _FORMS[form]
    if not fits(text):
        refuse(path, meaning)


def _tree(value: object, path: tuple[str | int, ...]) -> None:
    """No deeper than the JSON reader let it be."""
    if isinstance(value, str):
        _formed(value, "label", path)
    elif isinstance(value, dict):
        for key, item in value.items():
            _formed(key, "key", (*path, key))
            _tree(item, (*path, key))
    elif isinstance(value, list) and not set(map(type, value)) <= _NUMBERS:
        for number, item in enumerate(value):
            _tree(item, (*path, number))


def _number(value: float, part: Schema, _root: Schema, path: tuple[str | int, ...]) -> None:
    if not part.get("minimum", value) <= value <= part.get("maximum", value):
        refuse(path, f"must be between {part.get('minimum', 'any')} and {part.get('maximum', 'any')}")


def _nothing(_value: object, _part: Schema, _root: Schema, _path: tuple[str | int, ...]) -> None:
    """Booleans and null have no further form."""


_CHECKS: dict[str, Callable[[Any, Schema, Schema, tuple[str | int, ...]], None]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _kind(kind: str, kinds: Schema, path: tuple[str | int, ...]) -> Schema:
    found = kinds.get(kind, kinds.get("number") if kind == "integer" else None)
    if found is None:
        refuse(path, f"must be {' or '.join(_article(wanted) for wanted in kinds)}, not {_article(kind)}")
    chosen: Schema = found
    return chosen


def _tagged(value: Mapping[str, Any], part: Schema, path: tuple[str | int, ...]) -> Schema:
    tag = part["tag"]
    if tag not in value:
        refuse(path, f"lacks {tag}")
    word = value[tag]
    if not isinstance(word, str) or word not in part["cases"]:
        refuse((*path, tag), f"must be one of {', '.join(part['cases'])}")
    chosen: Schema = part["cases"][word]
    return chosen


def _article(kind: str) -> str:
    if kind == "null":
        return kind
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"
