"""Which JSON value does an untrusted text hold? Bounded in every way, or refused at a pointer."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

from broker.domain.errors import ProgramInvalid
from broker.intake.text import FORBIDDEN, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.intake.limits import Limits

# Strings first, so that a bracket inside one is not seen. Possessive throughout: no input makes it step back.
_PART = re.compile(r'"(?:[^"\\]++|\\[\s\S])*+"?+|[\[\]{},:]|[^\s\[\]{},:"]++')


def load(source: str, limits: Limits) -> dict[str, Any]:
    """The object that ``source`` holds: bounded depth, no duplicate keys, finite numbers, no hidden characters."""
    _check_depth(source, limits.json_nesting)
    if "\\u" in source:
        _check_escapes(source)
    reader = _Reader(limits.number)
    try:
        value = json.loads(
            source,
            object_pairs_hook=reader.object,
            parse_int=reader.integer,
            parse_float=reader.real,
            parse_constant=reader.constant,
        )
    except json.JSONDecodeError as error:
        raise ProgramInvalid(
            "program_json", f"not JSON: {error.msg}", line=error.lineno, column=error.colno, pointer=""
        ) from None
    except _WrongError as wrong:
        _refuse(source, wrong)
    if not isinstance(value, dict):
        raise ProgramInvalid("program_json", "the program must be a JSON object", line=1, column=1, pointer="")
    return value


def escape(key: str) -> str:
    """One reference token of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


class _WrongError(Exception):
    """Found inside the JSON reader, which does not know where it is."""

    def __init__(self, code: str, detail: str, text: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.text = text


class _Reader:
    """What the JSON reader calls back: it builds values and refuses those that hurt."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """A JSON object, each key once."""
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise _WrongError("program_duplicate_key", f"key {json.dumps(twice)[:60]} stands twice", twice)
        return found

    def integer(self, text: str) -> int:
        """An integer short enough to convert at once."""
        if len(text) > self.longest:
            raise _WrongError("program_number", f"a number of {len(text)} characters", text)
        return int(text)

    def real(self, text: str) -> float:
        """A finite float."""
        if len(text) > self.longest or not isfinite(float(text)):
            raise _WrongError("program_number", "this number is too large or too long", text)
        return float(text)

    def constant(self, text: str) -> NoReturn:
        """NaN and Infinity are no JSON."""
        raise _WrongError("program_number", f"{text} is not a number", text)


def _check_depth(source: str, most: int) -> None:
    depth = 0
    for number, part in enumerate(_PART.findall(source)):
        if part in {"[", "{"}:
            depth += 1
            if depth > most:
                trail = _Trail(source)
                next(step for step, _ in enumerate(trail) if step == number)
                trail.fail("program_nesting", f"nested deeper than {most} levels")
        elif part in {"]", "}"}:
            depth -= 1


def _check_escapes(source: str) -> None:
    trail = _Trail(source)
    for part in trail:
        if part[0] == '"' and "\\u" in part and FORBIDDEN.search(_text(part)):
            trail.fail("program_character", "an escape for a character that is not allowed")


def _refuse(source: str, wrong: _WrongError) -> NoReturn:
    trail = _Trail(source)
    for part in trail:
        if trail.twice if wrong.code == "program_duplicate_key" else part == wrong.text:
            trail.fail(wrong.code, wrong.detail)
    raise ProgramInvalid(wrong.code, wrong.detail, line=1, column=1, pointer="")


class _Trail:
    """Walks the parts of a JSON text once, knowing where it is; used only when something is wrong or escaped."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.offset = 0
        self.twice = False
        self._path: list[str | int] = []
        self._keys: list[set[str] | None] = []
        self._key_next = False

    def __iter__(self) -> Iterator[str]:
        for match in _PART.finditer(self.source):
            part = match.group()
            self.offset = match.start()
            if part in {"]", "}"} and self._path:
                self._path.pop()
                self._keys.pop()
            elif part == "," and self._path:
                self._next()
            elif self._key_next and part[0] == '"':
                self._key(_text(part))
            yield part
            if part in {"[", "{"}:
                self._open(part)

    def fail(self, code: str, detail: str) -> NoReturn:
        """Refuse the part that was yielded last."""
        line, column = place(self.source, self.offset)
        pointer = "".join(f"/{escape(str(step))}" for step in self._path)
        raise ProgramInvalid(code, detail, line=line, column=column, pointer=pointer)

    def _open(self, part: str) -> None:
        self._key_next = part == "{"
        self._path.append("" if part == "{" else 0)
        self._keys.append(set() if part == "{" else None)

    def _next(self) -> None:
        step = self._path[-1]
        self._key_next = self._keys[-1] is not None
        if isinstance(step, int):
            self._path[-1] = step + 1

    def _key(self, key: str) -> None:
        self._key_next = False
        known = self._keys[-1] if self._keys else None
        if known is not None:
            self.twice = key in known
            known.add(key)
            self._path[-1] = key


def _text(part: str) -> str:
    try:
        return str(json.loads(part))
    except ValueError:
        return part
