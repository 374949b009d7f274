"""How is a device written down as JSON? One pair of functions per value; what is loaded equals what was written."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, time
from typing import Any

from broker.domain.device import Calibration, Device, Kind, Status, Window
from broker.domain.money import Rate
from broker.domain.price_document import price_document, price_of
from broker.domain.program import Format

# They stand first, so that what follows is one text that stays the same for hours (store/snapshot_text.py).
MOVING = ("status", "queue_depth", "max_memory_bytes")
_DEVICE = (*MOVING, *(field.name for field in fields(Device) if field.name not in MOVING))
_RATE = tuple(field.name for field in fields(Rate))
_CALIBRATION = tuple(field.name for field in fields(Calibration))


def rate_document(rate: Rate) -> dict[str, Any]:
    return _plain(rate, _RATE) | {"as_of": rate.as_of.isoformat()}


def rate_of(body: dict[str, Any]) -> Rate:
    return Rate(**(body | {"as_of": datetime.fromisoformat(body["as_of"])}))


def device_document(device: Device) -> dict[str, Any]:
    """Every field; sets are sorted, so equal devices give equal documents."""
    calibration, price = device.calibration, device.price
    return _plain(device, _DEVICE) | {
        "kind": device.kind.value,
        "status": device.status.value,
        "accepts": sorted(accepted.value for accepted in device.accepts),
        "windows": [_window_document(window) for window in device.windows],
        "calibration": None if calibration is None else _calibration_document(calibration),
        "price": None if price is None else price_document(price),
        "methods": list(device.methods),
        "extra": [list(pair) for pair in device.extra],
    }


def device_of(body: dict[str, Any]) -> Device:
    calibration, price = body["calibration"], body["price"]
    values = (
        _before(body)
        | body
        | {
            "kind": Kind(body["kind"]),
            "status": Status(body["status"]),
            "accepts": frozenset(Format(accepted) for accepted in body["accepts"]),
            "windows": tuple(_window_of(window) for window in body["windows"]),
            "calibration": None if calibration is None else _calibration_of(calibration),
            "price": None if price is None else price_of(price),
            "extra": tuple((key, value) for key, value in body["extra"]),
        }
    )
    return Device(**values | {"methods": tuple(values["methods"])})


def _before(body: dict[str, Any]) -> dict[str, Any]:
    """What ``extra`` said before these were fields: stored decisions are replayed from such documents."""
    told = dict(body["extra"])
    methods = told.get("methods", "")
    return {
        "run_per_point": told.get("run_per") == "point",
        "billed": told.get("billed") == "true",
        "methods": methods.split(",") if methods else [],
    }


def _plain(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _window_document(window: Window) -> dict[str, Any]:
    return {
        "days": sorted(window.days),
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
    }


def _window_of(body: dict[str, Any]) -> Window:
    return Window(
        days=frozenset(body["days"]),
        start=time.fromisoformat(body["start"]),
        end=time.fromisoformat(body["end"]),
    )


def _calibration_document(calibration: Calibration) -> dict[str, Any]:
    as_of = calibration.as_of
    return _plain(calibration, _CALIBRATION) | {"as_of": None if as_of is None else as_of.isoformat()}


def _calibration_of(body: dict[str, Any]) -> Calibration:
    as_of = body["as_of"]
    return Calibration(**(body | {"as_of": None if as_of is None else datetime.fromisoformat(as_of)}))
