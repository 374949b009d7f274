"""What is sent to create a job? The order's platform, command, shots and points, around a child's program."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from backends.errors import Refused
from backends.quandela import naming
from backends.quandela.devices import bounds_of, commands_of
from backends.quandela.gates import MAX_BITS, UNREAD
from backends.translation import Untrue, parts_of, text_of
from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from backends.base import Order
    from broker.domain.requirement import Requirement

    Compose = Callable[[Mapping[str, Any]], dict[str, Any]]

# What a platform may do instead; each ends in counts here, so that no conversion is asked of anybody.
_INSTEAD = {
    "sample_count": ("sample_count", "samples", "probs"),
    "samples": ("samples", "sample_count", "probs"),
    "probs": ("probs", "sample_count", "samples"),
}
# What intake takes of a member, less the words that stand around it.
_PROGRAM_CHARACTERS = (1 << 20) - 1024
_BITS = re.compile(rf"(?:\d|{UNREAD})(?:\.(?:\d|{UNREAD}))*")


def create_request(order: Order, compose: Compose, *, max_duration_s: int, process: str) -> dict[str, Any]:
    """The body of the create; ``compose`` runs in a child process and gives the experiment's text, and ``bits``.

    Raises:
        Refused: the order cannot be said to the platform.
        Untrue: the child's answer is not this order's program.
    """
    document = _document(order)
    command = _command(document.get("command"), commands_of(order.device))
    experiment, bits = parts_of(compose(_wish(order)), ("experiment", "bits"))
    made = _inspected(text_of(experiment, most=_PROGRAM_CHARACTERS))
    sweep = _iterations(order, made)
    _check(order, made, bits)
    parameters = document.get("parameters")
    samples = {} if command == "probs" else {"max_samples": order.shots}
    work = {
        "command": command,
        "max_shots": order.shots,
        **samples,
        **({"iterator": sweep} if sweep else {}),
        "job_context": None,
        **({"parameters": parameters} if parameters else {}),
        "experiment": experiment,
    }
    return {
        "pcvl_version": version("perceval-quandela"),
        "process_id": process,
        "payload": work,
        "platform_name": order.device.vendor_id,
        "job_name": str(naming.JobName(token=order.token, shots=order.shots, bits=bits)),
        "max_duration": max_duration_s,
    }


def _document(order: Order) -> Mapping[str, Any]:
    """The program where it is JSON; a gate program has no command and no parameters of its own."""
    if order.program.format is not Format.PERCEVAL:
        return {}
    try:
        document = json.loads(order.program.source)
    except (ValueError, RecursionError):
        raise Refused("the program is not JSON", code="program_invalid") from None
    if not isinstance(document, dict):
        raise Refused("the program is no JSON object", code="program_invalid", pointer="")
    return document


def _command(wanted: object, available: Sequence[str]) -> str:
    for command in _INSTEAD.get(str(wanted or "sample_count"), ()):
        if command in available:
            return command
    said = f"the platform has no command that gives {wanted!r}"
    raise Refused(said, code="program_invalid", pointer="/command")


def _wish(order: Order) -> dict[str, Any]:
    return {
        "ask": "compose",
        "source": order.program.source,
        "format": order.program.format.value,
        "points": [dict(point) for point in order.points],
        "bounds": bounds_of(order.device),
    }


def _inspected(text: str) -> Requirement:
    """What the child's experiment needs, read as intake reads a member's: by an allow-list, in linear time."""
    try:
        return inspect(Program.of(Format.PERCEVAL, json.dumps({"command": "probs", "experiment": text})))
    except ProgramInvalid as error:
        raise Untrue(f"it is no experiment ({error})") from None


def _iterations(order: Order, made: Requirement) -> list[dict[str, Any]]:
    if order.program.format is not Format.PERCEVAL:
        return []
    free = set(made.parameters)
    for point in order.points:
        if set(point) != free:
            missing = ", ".join(sorted(free ^ set(point)))
            raise Refused(f"points and circuit differ in the parameters {missing}", code="program_invalid")
    if len(order.points) == 1 and not free:
        return []
    return [{"circuit_params": dict(point)} for point in order.points]


def _check(order: Order, made: Requirement, bits: object) -> None:
    if order.program.format is Format.PERCEVAL:
        if bits is not None or _size(made) != _size(_asked(order)):
            raise Untrue("its modes, photons, parts or parameters are not the program's")
        return
    bounds = bounds_of(order.device)
    if made.width > bounds["modes"] or made.photons > bounds["photons"] or made.parameters:
        raise Untrue("it is larger than a gate circuit on this platform may be")
    need = order.requirement
    if not isinstance(bits, str) or len(bits) > 2 * MAX_BITS or not _BITS.fullmatch(bits):
        raise Untrue("it does not say which qubit each bit reads")
    read, wanted = bits.split("."), need.bits or need.width
    if len(read) != wanted or any(one != UNREAD and int(one) >= need.width for one in read):
        raise Untrue(f"it reads other bits than the {wanted} of the program")


def _asked(order: Order) -> Requirement:
    try:
        return inspect(order.program)
    except ProgramInvalid as error:
        raise Refused(f"the program is not one that is admitted: {error}", code="program_invalid") from None


def _size(need: Requirement) -> tuple[int, int, int, list[str]]:
    return need.width, need.photons, need.operations, sorted(need.parameters)
