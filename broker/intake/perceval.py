"""What does a Perceval program need? Its modes, photons and parameters.

The format is Perceval's own remote payload: ``command``, an ``experiment`` (or a bare ``circuit``) as text from
``perceval.serialization.serialize``, ``parameters``, ``noise``; and, where the experiment does not hold them,
``input_state`` and ``min_detected_photons``. Shots belong to the job, not to the program.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING, Any

from broker.domain.program import Paradigm
from broker.domain.requirement import Requirement
from broker.intake.jsontext import load
from broker.intake.photonics import STATE, Photonics, UnusableError
from broker.intake.shape import check, refuse, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.program import Program
    from broker.intake.limits import Limits

_MODE = re.compile(r"[0-9]{1,4}|(?:\{[0-9]{1,4}\})+")
_HIDDEN = "max_shots", "max_samples", "job_context", "iterator", "platform_name", "computation"


def inspect_perceval(program: Program, limits: Limits) -> Requirement:
    """The demands of a Perceval program."""
    document = load(program.source, limits)
    for key in _HIDDEN:
        if key in document:
            refuse((key,), "does not belong to the program", hint="shots and sweeps are fields of the job")
    check(document, schema("perceval"))
    if ("experiment" in document) == ("circuit" in document):
        refuse((), "give either an experiment or a circuit")
    key = "experiment" if "experiment" in document else "circuit"
    found = _circuit(document, key, limits)
    if document.get("m", found.modes) != found.modes:
        refuse(("m",), f"is {document['m']}, the circuit has {found.modes} modes")
    photons = _photons(document, found, limits)
    return Requirement(
        format=program.format,
        paradigm=Paradigm.PHOTONIC,
        width=found.modes,
        photons=photons,
        operations=found.components,
        parameters=tuple(found.parameters),
        implicit_measurement=True,
    )


def _circuit(document: Mapping[str, Any], key: str, limits: Limits) -> Photonics:
    try:
        tag, message = _unpack(document[key], limits)
        if (tag == "Experiment") != (key == "experiment"):
            refuse((key,), f"holds a serialised {tag}", hint="use experiment for an Experiment, circuit for a Circuit")
        return Photonics(message, tag, limits)
    except UnusableError as wrong:
        refuse((key,), wrong.detail, code=wrong.code)


def _unpack(text: str, limits: Limits) -> tuple[str, bytes]:
    """The tag and the protobuf message inside, decompressed with a bound."""
    _, _, tag, coded = text.split(":", 3)
    if tag == "zip":
        inner = _inflate(_decode(coded), limits).decode("ascii", "replace")
        match = re.match(r":PCVL:(ACircuit|Experiment):", inner)
        if match is None:
            raise UnusableError("program_blob", "the compressed text is no Circuit and no Experiment")
        tag, coded = match.group(1), inner[match.end() :]
    return tag, _decode(coded)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnusableError("program_blob", "the text is not base64") from None


def _inflate(packed: bytes, limits: Limits) -> bytes:
    # max_length stops the inflation itself: a bomb costs no more memory than an honest circuit.
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, limits.blob + 1)
    except zlib.error:
        raise UnusableError("program_blob", "the text is not zlib-compressed") from None
    if len(text) > limits.blob:
        raise UnusableError("program_bomb", f"the circuit inflates to more than {limits.blob} bytes")
    if not inflater.eof or inflater.unused_data:
        raise UnusableError("program_blob", "the compressed text is cut off, or followed by something else")
    return text


def _photons(document: Mapping[str, Any], found: Photonics, limits: Limits) -> int:
    """Photons of the input state; the one beside the experiment goes before the one inside."""
    path = ("input_state",)
    text = document.get("input_state", found.input_state)
    if not text:
        refuse(path, "is missing", hint='give it as "|1,0,1>", or set it on the experiment')
    state = STATE.fullmatch(text)
    if state is None:
        hint = "superposed, mixed and annotated states are not supported"
        refuse(path, "must be a Fock state such as |1,0,1>", hint=hint)
    modes = [mode.strip() for mode in state.group(1).split(",")]
    if not all(_MODE.fullmatch(mode) for mode in modes):
        refuse(path, "must be a Fock state such as |1,0,1>")
    if len(modes) > found.modes or ("input_state" not in document and len(modes) != found.modes):
        refuse(path, f"has {len(modes)} modes, the circuit has {found.modes}", code="program_arity")
    photons = sum(mode.count("{") or int(mode) for mode in modes)
    if not 0 < photons <= limits.photons:
        refuse(path, f"{photons} photons, allowed are 1 to {limits.photons}", code="program_too_wide")
    return photons
