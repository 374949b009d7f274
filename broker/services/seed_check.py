"""Do seed files say what they seem to say? Each row against its table of fields; one mistake, with file and line.

A key that nobody reads is a mistake: a price under a misspelt key would be a job for nothing.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import yaml

from broker.domain.price_document import PriceWrong
from broker.services.seed_rows import MAY_BE_EMPTY, NAMED_BY, ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from broker.services.seed_rows import Row

FILES = ("hubs", "organisations", "rates", "prices")


class SeedWrong(ValueError):
    """The first mistake in the seed files; nothing was loaded."""

    def __init__(self, file: str, line: int, place: str, reason: str) -> None:
        super().__init__(f"{file}:{line}: {place}: {reason}" if place else f"{file}:{line}: {reason}")
        self.file = file
        self.line = line
        self.place = place
        self.reason = reason


class _Wrong(Exception):
    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        self.path = path
        self.reason = reason


def read(directory: Path) -> dict[str, dict[str, Any]]:
    """Every seed file of a directory, checked.

    Raises:
        SeedWrong: the first mistake; nothing else is said of the files.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in FILES:
        file = f"{name}.yaml"
        root = _composed(directory / file)
        try:
            body = _plain(root, ())
            _check(body, ROWS[name], ())
            if name == "organisations":
                _known_hubs(body, found["hubs"])
        except _Wrong as wrong:
            place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in wrong.path).lstrip(".")
            raise SeedWrong(file, _line(root, wrong.path), place, wrong.reason) from None
        found[name] = body
    return found


def _composed(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise SeedWrong(path.name, 1, "", f"is missing in {path.parent}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SeedWrong(path.name, line, "", f"is no YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SeedWrong(path.name, 1, "", f"is no YAML: {error}") from None
    if root is None:
        raise SeedWrong(path.name, 1, "", "is empty")
    return root


def _plain(node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401  whatever the file holds
    """The values of a node; YAML itself would let the second of two equal keys win in silence."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, (*path, number)) for number, each in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise _Wrong(path, f"cannot be read: {error}") from None
        finally:
            loader.dispose()
    body: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Wrong(path, "has a key that is no word")
        if key.value in body:
            raise _Wrong((*path, key.value), "stands twice")
        body[key.value] = _plain(value, (*path, key.value))
    return body


def _check(body: object, row: Row, path: tuple[str | int, ...]) -> None:
    if not isinstance(body, dict):
        raise _Wrong(path, "is no mapping of keys to values")
    _check_keys(body, row, path)
    for key, check in row.fields.items():
        reason = check(body[key]) if key in body else None
        if reason:
            raise _Wrong((*path, key), reason)
    _as_a_whole(body, row, path)
    for key in [key for key in body if key in row.inside]:
        _check(body[key], row.inside[key], (*path, key))
    for key in [key for key in body if key in row.rows]:
        _check_list(body[key], row.rows[key], (*path, key), key)


def _check_keys(body: dict[str, Any], row: Row, path: tuple[str | int, ...]) -> None:
    known = [*row.fields, *row.rows, *row.inside]
    for key in [key for key in body if key not in known]:
        raise _Wrong((*path, key), f"is not known{_meant(key, known)}")
    for key in [key for key in row.needs if key not in body]:
        raise _Wrong(path, f"{key} is missing")
    if row.sourced and body.get("example") is not True and not set(row.sourced) <= body.keys():
        raise _Wrong(path, f"{' and '.join(row.sourced)} or example: true is missing")


def _as_a_whole(body: dict[str, Any], row: Row, path: tuple[str | int, ...]) -> None:
    try:
        if row.whole is not None:
            row.whole(body)
    except PriceWrong as wrong:
        parts = re.findall(r"[^.\[\]]+", wrong.place)
        raise _Wrong((*path, *(int(part) if part.isdigit() else part for part in parts)), wrong.reason) from None


def _check_list(rows: object, row: Row, path: tuple[str | int, ...], key: str) -> None:
    if not isinstance(rows, list) or not (rows or key in MAY_BE_EMPTY):
        raise _Wrong(path, "is no list of rows")
    seen = set[tuple[Any, ...]]()
    for number, body in enumerate(rows):
        _check(body, row, (*path, number))
        name = tuple(body[part] for part in NAMED_BY.get(key, ()))
        if name and name in seen:
            raise _Wrong((*path, number), f"{' '.join(map(str, name))} stands twice")
        seen.add(name)


def _known_hubs(organisations: dict[str, Any], hubs: dict[str, Any]) -> None:
    slugs = [hub["slug"] for hub in hubs["hubs"]]
    for number, row in enumerate(organisations["organisations"]):
        if row["hub"] not in slugs:
            raise _Wrong(("organisations", number, "hub"), f"{row['hub']!r} is no hub of hubs.yaml")


def _meant(key: object, known: list[str]) -> str:
    close = get_close_matches(str(key), known, 1)
    return f"; is {close[0]} meant?" if close else f"; known are {', '.join(sorted(known))}"


def _line(node: yaml.Node, path: tuple[str | int, ...]) -> int:
    """Of the deepest part of the path that there is."""
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            # The last of equal keys: it is the one that is too many.
            pair = next(((key, value) for key, value in reversed(node.value) if key.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
    return int(line) + 1
