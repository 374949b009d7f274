"""Does a sequence fit this machine? In a child process: Pulser moves it to the device's present specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.child import Limits

if TYPE_CHECKING:
    from pulser import Sequence
    from pulser.devices import Device

TARGET = "backends.pasqal.retarget:retarget"
LIMITS = Limits(memory_bytes=1 << 30, cpu_s=8.0, wall_s=8.0)


class Unfit(Exception):
    """The sequence cannot run on the device; says why."""

    code = "program_invalid"


def warm() -> None:
    """Load Pulser before the first call."""
    import pulser  # noqa: F401


def retarget(request: dict[str, Any]) -> dict[str, Any]:
    """``sequence`` and ``spec`` in abstract representation → ``sequence`` on exactly that device."""
    from pulser import Sequence
    from pulser.json.abstract_repr.deserializer import deserialize_device

    device = deserialize_device(request["spec"])
    try:
        sequence = Sequence.from_abstract_repr(request["sequence"])
        moved = _laid_out(_moved(sequence, device), device)
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(f"{type(error).__name__}: {error}") from error
    return {"sequence": moved.to_abstract_repr()}


def _moved(sequence: Sequence, device: Device) -> Sequence:
    """On the new device with the same pulses and interactions, or not at all."""
    if sequence.device == device:
        return sequence
    return sequence.with_new_device(device, strict=True)


def _laid_out(sequence: Sequence, device: Device) -> Sequence:
    """On a trap layout, where the device needs one: the same atoms, on a layout made for them."""
    if not device.requires_layout or sequence.is_register_mappable():
        return sequence
    register = sequence.get_register()
    if register.layout is not None:
        return sequence
    if not device.accepts_new_layouts:
        raise Unfit(f"{device.name} needs a register from one of its calibrated layouts")
    return sequence.with_new_register(register.with_automatic_layout(device))
