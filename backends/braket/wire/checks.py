"""Is a request well formed, and what does its filter choose? Pure checks of JSON against the service's rules."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LENGTHS = {
    "clientToken": (1, 64),
    "deviceArn": (1, 256),
    "outputS3Bucket": (3, 63),
    "outputS3KeyPrefix": (1, 1024),
    "action": (1, 64 << 20),
}
_OPTIONAL = {"deviceParameters": (1, 48_000), "jobToken": (1, 128)}
_TAGS, _KEY, _VALUE = 50, 128, 256
_PAGE = 100
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda value, named: value in named,
    "LT": lambda value, named: value < named[0],
    "LTE": lambda value, named: value <= named[0],
    "GT": lambda value, named: value > named[0],
    "GTE": lambda value, named: value >= named[0],
    "BETWEEN": lambda value, named: named[0] <= value <= named[-1],
}


def check_create(body: Any) -> str:  # noqa: ANN401  JSON
    """What is wrong with a ``CreateQuantumTask`` body; empty when nothing is."""
    if not isinstance(body, dict):
        return "The request must be a JSON object."
    for name, (low, high) in _LENGTHS.items():
        if not isinstance(body.get(name), str) or not low <= len(body[name]) <= high:
            return f"{name} must be text of {low} to {high} characters."
    for name, (low, high) in _OPTIONAL.items():
        if name in body and not (isinstance(body[name], str) and low <= len(body[name]) <= high):
            return f"{name} must be text of {low} to {high} characters."
    if not isinstance(body.get("shots"), int) or body["shots"] < 0:
        return "shots must be a whole number, 0 or more."
    if not body["outputS3Bucket"].startswith("amazon-braket-"):
        return "outputS3Bucket must begin with amazon-braket-."
    return _check_action(body["action"]) or _check_tags(body.get("tags") or {})


def _check_action(action: str) -> str:
    try:
        header = json.loads(action)["braketSchemaHeader"]
    except (ValueError, KeyError, TypeError):
        return "action must be a JSON document with a braketSchemaHeader."
    return "" if isinstance(header, dict) and isinstance(header.get("name"), str) else "action has no schema name."


def _check_tags(tags: Mapping[str, str]) -> str:
    if len(tags) > _TAGS:
        return f"A resource has at most {_TAGS} tags."
    for key, value in tags.items():
        if not 1 <= len(key) <= _KEY or len(value) > _VALUE or key.startswith("aws:"):
            return f"The tag {key[:40]} is too long or reserved."
    return ""


def matches(shown: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a summary passes every filter; a field that it lacks passes none."""
    return all(_passes(shown, each) for each in filters)


def _passes(shown: Mapping[str, Any], each: Mapping[str, Any]) -> bool:
    compare = _COMPARE.get(each.get("operator") or "EQUAL")
    value = shown.get(each["name"])
    if compare is None or value is None or not each["values"]:
        return False
    return bool(compare(value, each["values"]))


def page_of(name: str, items: Sequence[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a list, with the token of the next."""
    first = int(base64.urlsafe_b64decode(body["nextToken"])) if body.get("nextToken") else 0
    size = min(int(body.get("maxResults") or _PAGE), _PAGE)
    page: dict[str, Any] = {name: list(items[first : first + size])}
    if first + size < len(items):
        page["nextToken"] = base64.urlsafe_b64encode(str(first + size).encode()).decode()
    return page
