"""What does a Pulser sequence need? Its atoms, time, channels and variables, from the abstract representation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.domain.program import Paradigm
from broker.domain.requirement import Requirement
from broker.intake.jsontext import load
from broker.intake.shape import check, refuse, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.program import Program
    from broker.intake.limits import Limits

    Path = tuple[str | int, ...]

_NS_PER_US = 1000
_BLACKMAN_MEAN = 0.42
_LOCAL = frozenset({"config_slm_mask", "config_detuning_map", "add_dmm_detuning"})


def inspect_pulser(program: Program, limits: Limits) -> Requirement:
    """The demands of a Pulser program."""
    document = load(program.source, limits)
    check(document, schema("pulser"))
    _check_register(document["register"])
    _check_channels(document)
    parameters = _parameters(document["variables"], limits)
    return Requirement(
        format=program.format,
        paradigm=Paradigm.ANALOG,
        width=len(document["register"]),
        operations=len(document["operations"]),
        parameters=parameters,
        duration_us=_duration(document, limits),
        global_drive=_only_global(document),
        implicit_measurement=document["measurement"] is None,
    )


def _check_register(atoms: list[dict[str, Any]]) -> None:
    names: set[object] = set()
    places: set[tuple[float, ...]] = set()
    for number, atom in enumerate(atoms):
        path = ("register", number)
        if "qid" in atom:
            hint = "build the sequence with its qubits (Sequence.build(qubits=...)) before sending it"
            refuse(path, "the register is mappable: no atom has a place", code="program_unsupported", hint=hint)
        missing = [key for key in ("name", "x", "y") if key not in atom]
        if missing:
            refuse(path, f"lacks {', '.join(missing)}")
        place = (atom["x"], atom["y"], atom.get("z", 0))
        if atom["name"] in names or place in places:
            refuse(path, "has the name or the place of another atom", code="program_redefined")
        names.add(atom["name"])
        places.add(place)


def _check_channels(document: Mapping[str, Any]) -> None:
    """Each operation names a channel, variable or atom that exists."""
    channels, variables = document["channels"], document["variables"]
    for number, operation in enumerate(document["operations"]):
        path: Path = ("operations", number)
        for key in ("channel", "dmm_name"):
            known = operation.get(key) in channels or str(operation.get(key)).startswith("dmm_")
            if key in operation and not known:
                refuse((*path, key), f"channel {operation[key]!r} is not declared", code="program_undefined")
        for place, name in enumerate(operation.get("channels", ())):
            if name not in channels and not name.startswith("dmm_"):
                refuse((*path, "channels", place), f"channel {name!r} is not declared", code="program_undefined")
        _check_variables(operation, variables, path, len(document["register"]))


def _check_variables(value: object, variables: Mapping[str, Any], path: Path, atoms: int) -> None:
    if isinstance(value, dict):
        if "variable" in value and value["variable"] not in variables:
            refuse((*path, "variable"), f"variable {value['variable']!r} is not declared", code="program_undefined")
        targets = value.get("targets", []) if isinstance(value.get("targets"), list) else []
        target = value.get("target")
        for index in [*targets, *(target if isinstance(target, list) else [target])]:
            if isinstance(index, int) and not 0 <= index < atoms:
                refuse(path, f"target {index} is out of range, the register has {atoms} atoms", code="program_index")
        for key, item in value.items():
            _check_variables(item, variables, (*path, key), atoms)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            _check_variables(item, variables, (*path, number), atoms)


def _parameters(variables: Mapping[str, Any], limits: Limits) -> tuple[str, ...]:
    """The names that a point binds; an array variable ``a`` of size 2 gives ``a[0]`` and ``a[1]``."""
    names: list[str] = []
    for name, variable in variables.items():
        size = len(variable.get("value", (0,)))
        names += [name] if size == 1 else [f"{name}[{index}]" for index in range(size)]
        if len(names) > limits.parameters:
            refuse(("variables", name), f"more than {limits.parameters} values to bind", code="program_too_large")
    return tuple(names)


def _duration(document: Mapping[str, Any], limits: Limits) -> float:
    """When the last channel ends, in microseconds, were every conflict between channels a wait.

    A duration that depends on a variable counts as nothing here; it is known only when a point binds it.
    """
    ends: dict[str, float] = dict.fromkeys(document["channels"], 0.0)
    for number, operation in enumerate(document["operations"]):
        length = _length(operation)
        if not 0 <= length <= limits.duration_us * _NS_PER_US:
            _too_long(number, limits)
        name = operation.get("channel") or operation.get("dmm_name")
        if operation["op"] == "align":
            latest = max((ends.get(channel, 0) for channel in operation["channels"]), default=0)
            ends.update(dict.fromkeys(operation["channels"], latest))
        elif name is not None:
            waits = operation.get("protocol", "no-delay") != "no-delay"
            start = max(ends.values()) if waits and ends else ends.get(name, 0)
            ends[name] = start + length
            if ends[name] > limits.duration_us * _NS_PER_US:
                _too_long(number, limits)
    return max(ends.values(), default=0) / _NS_PER_US


def _too_long(number: int, limits: Limits) -> None:
    refuse(("operations", number), f"the sequence is longer than {limits.duration_us} us", code="program_too_long")


def _length(operation: Mapping[str, Any]) -> float:
    """Nanoseconds of one operation."""
    if operation["op"] == "add_dmm_detuning":
        return _waveform(operation["waveform"])
    if operation["op"] in {"pulse", "pulse_arbitrary_phase"}:
        return max(_waveform(operation[key]) for key in ("amplitude", "detuning", "phase") if _is_wave(operation, key))
    return _number(operation.get("time", operation.get("duration", 0)))


def _is_wave(operation: Mapping[str, Any], key: str) -> bool:
    return isinstance(operation.get(key), dict) and "kind" in operation[key]


def _waveform(wave: Mapping[str, Any]) -> float:
    if wave["kind"] == "custom":
        return len(wave["samples"])
    if wave["kind"] == "composite":
        return sum(_waveform(part) for part in wave["waveforms"])
    if "duration" in wave:
        return _number(wave["duration"])
    most = _number(wave["max_val"])
    return abs(_number(wave["area"]) / (most * _BLACKMAN_MEAN)) * _NS_PER_US if most else 0


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


def _only_global(document: Mapping[str, Any]) -> bool:
    """Whether nothing in the sequence treats one atom otherwise than another."""
    local = any(operation["op"] in _LOCAL for operation in document["operations"]) or "slm_mask_targets" in document
    return not local and all(_is_global(document["device"], channel) for channel in document["channels"].values())


def _is_global(device: object, channel: str) -> bool:
    """Whether this channel of the device drives all atoms alike."""
    listed = device.get("channels", ()) if isinstance(device, dict) else ()
    for known in listed if isinstance(listed, list) else ():
        if isinstance(known, dict) and known.get("id") == channel:
            return known.get("addressing") == "Global"
    return channel.endswith("_global")
