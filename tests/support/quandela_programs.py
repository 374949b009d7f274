"""Perceval programs and orders of tests; the circuits are Perceval's own texts, so that no test need import it."""

from __future__ import annotations

import json
from dataclasses import replace

from backends.base import Order
from broker.domain.device import Device, Kind
from broker.domain.ids import AttemptId, DeviceName, JobId, ProjectId, attempt_id, token_of
from broker.domain.program import Format, Paradigm, Program
from broker.domain.requirement import Requirement

BEAM_SPLITTER = ":PCVL:ACircuit:EAIiOxACYjcSCQkYLURU+yH5PxoJCQAAAAAAAAAAIgkJAAAAAAAAAAAqCQkAAAAAAAAAADIJCQAAAAAAAAAA"
# beam splitter, phase ``phi`` on mode 0, beam splitter
INTERFEROMETER = (
    ":PCVL:ACircuit:EAIiOxACYjcSCQkYLURU+yH5PxoJCQAAAAAAAAAAIgkJAAAAAAAAAAAqCQkAAAAAAAAAADIJCQAAAAAAAAAA"
    "IhAQAVoMCgoSA3BoaSIDcGhpIjsQAmI3EgkJGC1EVPsh+T8aCQkAAAAAAAAAACIJCQAAAAAAAAAAKgkJAAAAAAAAAAAyCQkAAAAA"
    "AAAAAA=="
)
# mode 0 → 2, 1 → 0, 2 → 1
ROTATION = ":PCVL:ACircuit:EAMiCRADcgUKAwIAAQ=="

JOB = JobId("01900000-0000-7000-8000-000000000001")


def source(circuit=BEAM_SPLITTER, input_state="|1,1>", **more):
    """A program's text."""
    return json.dumps({"command": "sample_count", "circuit": circuit, "input_state": input_state, **more})


def device(platform="sim:slos", commands="probs,sample_count,samples"):
    """As much of a device as an order needs."""
    return Device(
        name=DeviceName("quandela/" + platform.replace(":", "-")),
        backend="quandela",
        vendor_id=platform,
        kind=Kind.SIMULATOR,
        accepts=frozenset({Format.PERCEVAL}),
        extra=(("commands", commands),),
    )


def gate_device():
    """The small gate device of the perfect simulator."""
    plain = device()
    return replace(
        plain,
        name=DeviceName("quandela/sim-slos-gates"),
        accepts=frozenset({Format.OPENQASM2, Format.OPENQASM3}),
        extra=(*plain.extra, ("max_mode_count", "20"), ("max_photon_count", "10")),
    )


def order(text=None, *, number=1, shots=1000, points=({},), on=None, modes=2, photons=2):
    """One attempt; another ``number`` is another attempt with another token."""
    attempt: AttemptId = attempt_id(JOB, number)
    return Order(
        job=JOB,
        project=ProjectId("01900000-0000-7000-8000-00000000000a"),
        attempt=attempt,
        token=token_of(attempt),
        device=on or device(),
        program=Program.of(Format.PERCEVAL, text or source()),
        requirement=Requirement(format=Format.PERCEVAL, paradigm=Paradigm.PHOTONIC, width=modes, photons=photons),
        shots=shots,
        points=tuple(points),
    )
