"""What is sent to create a task? An order as one ``CreateQuantumTask``, the same again for the same token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from backends.braket.devices import AHS, MAX_TOTAL_SHOTS, OPENQASM, OPERATIONS, PROGRAM_SET
from backends.braket.layout import JOB_TAG, TOKEN_TAG, bits_tags
from backends.braket.translated import checked
from backends.braket.translated_atoms import atoms_of
from backends.child import ChildError, ChildKilled
from backends.errors import BackendError, Refused
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.base import Order
    from backends.braket.settings import Settings

_ACTION_BYTES = 3 << 20


def region_of(order: Order, settings: Settings) -> str:
    """A QPU's ARN names its region; simulators run at home."""
    return order.device.vendor_id.split(":")[3] or settings.home


def create_request(
    order: Order, settings: Settings, translate: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """The parameters; ``translate`` runs in a child process.

    Raises:
        Refused: the order does not fit the device or cannot be said in its language.
        Untrue: the child's answer is not this order's program.
        Busy: the child was stopped for a reason that may pass.
    """
    _refuse_misfit(order)
    action, tags = _action(order, translate)
    if len(action) > _ACTION_BYTES:
        raise Refused(f"the translated program has {len(action)} characters", code="limit_exceeded")
    return {
        "clientToken": order.token,
        "deviceArn": order.device.vendor_id,
        "shots": order.shots * len(order.points),
        "action": action,
        "outputS3Bucket": settings.bucket.format(region=region_of(order, settings)),
        "outputS3KeyPrefix": f"{settings.prefix}/{order.token}",
        "tags": {TOKEN_TAG: order.token, JOB_TAG: order.job, **tags},
        **_device_parameters(order),
        **_reservation(order),
    }


def _refuse_misfit(order: Order) -> None:
    device, points = order.device, len(order.points)
    if points > 1 and not device.sweeps:
        raise Refused("this device takes one parameter set per task", code="limit_exceeded")
    if points > device.max_points:
        raise Refused(f"one task takes {device.max_points} points, the sweep has {points}", code="limit_exceeded")
    most = int(dict(device.extra).get(MAX_TOTAL_SHOTS, 0))
    if points > 1 and most and order.shots * points > most:
        raise Refused(f"one task takes {most} shots, the sweep has {order.shots * points}", code="limit_exceeded")
    if order.program.format not in device.accepts:
        raise Refused(f"{device.name} does not accept {order.program.format}")


def _action(order: Order, translate: Callable[[Mapping[str, Any]], dict[str, Any]]) -> tuple[str, dict[str, str]]:
    """The action document and the tags that its result needs."""
    if order.program.format is Format.AHS:
        return _ahs(order.program.source), {}
    if order.program.format is Format.PULSER:
        wish = {"task": "pulser", "source": order.program.source, "bindings": dict(order.points[0])}
        return _text(atoms_of(_child(translate, wish), order, most=_ACTION_BYTES)), {}
    source, bits = checked(_child(translate, _wish(order)), order, most=_ACTION_BYTES)
    program: dict[str, Any] = {**_header(OPENQASM), "source": source}
    names = order.requirement.parameters
    if len(order.points) == 1:
        if names:
            program["inputs"] = {name: order.points[0][name] for name in names}
        return _text(program), bits_tags(bits)
    if names:
        program["inputs"] = {name: [point[name] for point in order.points] for name in names}
        return _text({**_header(PROGRAM_SET), "programs": [program]}), bits_tags(bits)
    return _text({**_header(PROGRAM_SET), "programs": [program] * len(order.points)}), bits_tags(bits)


def _wish(order: Order) -> dict[str, Any]:
    need = order.requirement
    return {
        "task": "openqasm",
        "format": order.program.format.value,
        "source": order.program.source,
        "bits": 0 if need.implicit_measurement else need.bits,
        "parameters": list(need.parameters),
        "operations": dict(order.device.extra).get(OPERATIONS, "").split(),
        "verbatim": order.options.get("verbatim", "").lower() in ("1", "true", "yes"),
    }


def _child(translate: Callable[[Mapping[str, Any]], dict[str, Any]], wish: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return translate(wish)
    except ChildError as error:
        raise _refusal(error) from error
    except ChildKilled as killed:
        raise Refused(f"the translation was {killed}", code="limit_exceeded") from killed


def _refusal(error: ChildError) -> BackendError:
    message = error.message if error.type == "Refused" else str(error)
    return Refused(message[:500], code=error.code or "program_invalid", line=error.line, column=error.column)


def _ahs(source: str) -> str:
    try:
        program = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the AHS program is no JSON: {error}", code="program_invalid") from error
    if not isinstance(program, dict):
        raise Refused("the AHS program is no JSON object", code="program_invalid")
    # Last as well: a program that brings a header of its own must not say what kind of action it is.
    return _text({**_header(AHS), **program, **_header(AHS)})


def _header(name: str) -> dict[str, Any]:
    return {"braketSchemaHeader": {"name": name, "version": "1"}}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _device_parameters(order: Order) -> dict[str, str]:
    """Gate-model devices want this document; the qubit count in it is not read for OpenQASM."""
    if order.program.format in (Format.AHS, Format.PULSER):
        return {}
    provider = order.device.vendor_id.split("/")[-2]
    family = f"{provider}.{provider}" if provider in ("ionq", "rigetti") else "simulators.gate_model_simulator"
    inner = {**_header("braket.device_schema.gate_model_parameters"), "qubitCount": 0, "disableQubitRewiring": False}
    outer = _header(f"braket.device_schema.{family}_device_parameters")
    return {"deviceParameters": _text({**outer, "paradigmParameters": inner})}


def _reservation(order: Order) -> dict[str, Any]:
    arn = order.options.get("reservation_arn")
    return {"associations": [{"arn": arn, "type": "RESERVATION_TIME_WINDOW_ARN"}]} if arn else {}
