"""How does an order become a Pasqal batch? One sequence, one job for each point, measured as the SDK would."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from backends.errors import Refused
from backends.pasqal.draft import Draft, DraftJob
from broker.domain.ids import TOKEN_PREFIX
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.base import Order

# The list route filters by one exact tag: this second one finds all of ours, whatever their tokens.
FAMILY_TAG = TOKEN_PREFIX
_INDEXED = re.compile(r"(?P<name>.+)\[(?P<place>\d+)\]")
# By the first word of a channel's id, for a sequence that names its device instead of describing it.
_BASES = {"rydberg": "ground-rydberg", "raman": "digital", "mw": "XY"}


def parsed(order: Order) -> dict[str, Any]:
    """The order's sequence as JSON.

    Raises:
        Refused: it is no Pulser sequence.
    """
    if order.program.format is not Format.PULSER:
        raise Refused(f"pasqal does not accept {order.program.format}", code="program_invalid")
    try:
        sequence = json.loads(order.program.source)
    except (ValueError, RecursionError):
        raise Refused("the sequence is not JSON", code="program_invalid") from None
    if not isinstance(sequence, dict) or not isinstance(sequence.get("device"), dict | str):
        raise Refused("not a Pulser sequence with its device", code="program_invalid", pointer="/device")
    return sequence


def draft_of(order: Order, sequence: Mapping[str, Any], *, configuration: str | None) -> Draft:
    """One batch: ``sequence`` goes once, each point becomes a job with its variables."""
    declared = sequence.get("variables") or {}
    return Draft(
        sequence=json.dumps(measured(sequence), separators=(",", ":")),
        jobs=tuple(DraftJob(runs=order.shots, variables=variables_of(point, declared)) for point in order.points),
        device_type=order.device.vendor_id,
        tags=(order.token, FAMILY_TAG),
        configuration=configuration,
    )


def measured(sequence: Mapping[str, Any]) -> dict[str, Any]:
    """The sequence with its measurement made explicit; an ambiguous one is refused, as the SDK refuses it."""
    if sequence.get("measurement"):
        return dict(sequence)
    bases = addressed_bases(sequence)
    if len(bases) != 1:
        raise Refused(
            "the sequence measures nothing and its channels do not address exactly one basis",
            code="program_invalid",
            pointer="/measurement",
        )
    return {**sequence, "measurement": bases.pop()}


def addressed_bases(sequence: Mapping[str, Any]) -> set[str]:
    """The bases of the device's channels that the sequence declares; a detuning map addresses none of its own."""
    device = sequence["device"]
    listed = device.get("channels") or () if isinstance(device, dict) else ()
    told = {one.get("id"): one.get("basis") for one in listed if isinstance(one, dict)}
    used = map(str, (sequence.get("channels") or {}).values())
    bases = {told.get(channel) or _BASES.get(channel.partition("_")[0]) for channel in used}
    return {basis for basis in bases if basis is not None}


def variables_of(point: Mapping[str, float], declared: Mapping[str, Any]) -> dict[str, Any] | None:
    """A point's bindings as the sequence's variables; ``name[i]`` binds one element of an array.

    Raises:
        Refused: a name is unknown, an element is missing, or an integer variable would get a fraction.
    """
    values: dict[str, dict[int, float]] = {}
    for name, value in point.items():
        found = None if name in declared else _INDEXED.fullmatch(name)
        key, place = (found["name"], int(found["place"])) if found else (name, 0)
        if key not in declared:
            raise Refused(f"the sequence has no variable {key!r}", code="program_invalid", pointer="/variables")
        values.setdefault(key, {})[place] = value
    return {name: _value(name, about, values.get(name, {})) for name, about in declared.items()} or None


def bindings_of(variables: Mapping[str, Any] | None) -> dict[str, float]:
    """The point that ``variables_of`` came from."""
    bindings: dict[str, float] = {}
    for name, value in (variables or {}).items():
        if isinstance(value, list) and len(value) != 1:
            bindings |= {f"{name}[{place}]": float(one) for place, one in enumerate(value)}
        elif not isinstance(value, dict):
            bindings[name] = float(value[0] if isinstance(value, list) else value)
    return bindings


def _value(name: str, about: Mapping[str, Any], bound: Mapping[int, float]) -> Any:  # noqa: ANN401  scalar or list
    size = len(about.get("value", (0,)))
    if set(bound) != set(range(size)):
        raise Refused(f"variable {name!r} needs {size} values", code="program_invalid", pointer=f"/variables/{name}")
    whole = about.get("type") == "int"
    numbers = [_number(name, bound[place], whole=whole) for place in range(size)]
    return numbers[0] if size == 1 else numbers


def _number(name: str, value: float, *, whole: bool) -> float:
    if not whole:
        return float(value)
    if not float(value).is_integer():
        raise Refused(f"variable {name!r} is an integer, not {value}", code="program_invalid")
    return int(value)
