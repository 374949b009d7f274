"""Is this sequence the order's, on the machine's own specification? What a child moved is compared with what it got."""

from __future__ import annotations

import json
from math import isclose
from typing import TYPE_CHECKING, Any

from backends.errors import Refused
from backends.translation import Untrue, parts_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Moving a sequence adds a trap layout and little else; 4 MiB are four times what intake takes of a member.
MOST_CHARACTERS = 4 << 20
_SAME = ("variables", "channels", "measurement", "magnetic_field", "slm_mask_targets")
_KEYS = frozenset(
    ("$schema", "version", "name", "pulser_version", "device", "register", "layout", "operations", *_SAME),
)
# Traps are placed to a millionth of a micrometre.
_PLACE_UM = 1e-5


def fitted_of(answer: Mapping[str, Any], sequence: Mapping[str, Any], spec: str) -> dict[str, Any]:
    """The moved sequence, on the device that the vendor published: that part is the parent's.

    Raises:
        Untrue: other atoms, channels, variables, pulses or measurement than the order's.
    """
    (text,) = parts_of(answer, ("sequence",))
    try:
        fitted = json.loads(text_of(text, most=MOST_CHARACTERS))
        _compare(fitted, sequence)
        device = json.loads(spec)
    except Refused:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Untrue("it is no sequence") from None
    return {**fitted, "device": device}


def _compare(fitted: dict[str, Any], sequence: Mapping[str, Any]) -> None:
    strange = set(fitted) - _KEYS - set(sequence)
    if strange:
        raise Untrue(f"it adds {', '.join(sorted(strange))[:100]}")
    for name in _SAME:
        if (fitted.get(name) or None) != (sequence.get(name) or None):
            raise Untrue(f"its {name} are not the sequence's")
    if not _are_same_atoms(fitted["register"], sequence["register"]):
        raise Untrue("its atoms are not the sequence's")
    before, after = ([one["op"] for one in each["operations"]] for each in (sequence, fitted))
    if before != after:
        raise Untrue("its operations are not the sequence's")


def _are_same_atoms(moved: list[dict[str, Any]], given: list[dict[str, Any]]) -> bool:
    if [one.get("name") for one in moved] != [one.get("name") for one in given]:
        return False
    return all(
        isclose(after.get(axis, 0.0), before.get(axis, 0.0), abs_tol=_PLACE_UM)
        for after, before in zip(moved, given, strict=True)
        for axis in ("x", "y", "z")
    )
