"""Orders for Pasqal, as a worker would give them."""

from __future__ import annotations

import uuid

from backends.base import Order
from backends.pasqal.devices import device_name
from broker.domain.device import Device, Kind
from broker.domain.ids import AttemptId, JobId, ProjectId, token_of
from broker.domain.program import Format, Paradigm
from broker.domain.requirement import Requirement


def a_device(vendor_id="EMU_FREE", **changes):
    values = {
        "name": device_name(vendor_id),
        "backend": "pasqal",
        "vendor_id": vendor_id,
        "kind": Kind.SIMULATOR if vendor_id.startswith("EMU") else Kind.QPU,
        "accepts": frozenset({Format.PULSER}),
        "sandbox": True,
    }
    return Device(**{**values, **changes})


def order_for(program, *, device=None, points=({},), shots=100, width=1, **changes):
    attempt = AttemptId(str(uuid.uuid4()))
    values = {
        "job": JobId(str(uuid.uuid4())),
        "project": ProjectId("01900000-0000-7000-8000-00000000000a"),
        "attempt": attempt,
        "token": token_of(attempt),
        "device": device or a_device(),
        "program": program,
        "requirement": Requirement(
            format=program.format, paradigm=Paradigm.ANALOG, width=width, shots=shots, points=len(points)
        ),
        "shots": shots,
        "points": tuple(points),
    }
    return Order(**{**values, **changes})
