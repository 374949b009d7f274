"""How are specifications written down as JSON, and what is their hash? What is loaded equals what was written."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from broker.domain.ids import DeviceName
from broker.domain.specs import Angle, GateSpecs, Qubit, Specs
from broker.domain.text import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

# The largest known, a machine of 156 qubits with its vendor's document, has a quarter of it; a text that is larger is
# no device's, and every gateway would have to send it.
MOST_BYTES = 1 << 20
_SEALED = 128  # devices whose text is kept, so that a look at an unchanged one costs nothing


@lru_cache(maxsize=_SEALED)
def sealed(specs: Specs) -> tuple[str, str]:
    """(text, SHA-256 of it). The vendor's own document is left out where it alone makes the text too long.

    Raises:
        ValueError: it is longer than ``MOST_BYTES`` even so, or holds what is no JSON.
    """
    for each in (specs, replace(specs, vendor=None)):
        text = storable(json.dumps(specs_document(each), separators=(",", ":"), ensure_ascii=False, allow_nan=False))
        raw = text.encode()
        if len(raw) <= MOST_BYTES:
            return text, hashlib.sha256(raw).hexdigest()
    raise ValueError(f"the specifications of a device may have at most {MOST_BYTES} bytes")


def specs_document(specs: Specs) -> dict[str, Any]:
    """In the shape of the interface, without its hash."""
    return {
        "device": specs.device,
        "gate": None if specs.gate is None else _gate_document(specs.gate),
        "analog": specs.analog,
        "photonic": None if specs.photonic is None else json.loads(specs.photonic),
        "vendor": None if specs.vendor is None else json.loads(specs.vendor),
        "as_of": None if specs.as_of is None else specs.as_of.isoformat(),
    }


def specs_of(body: Mapping[str, Any]) -> Specs:
    """From a document that somebody else may have written.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not in this shape.
    """
    as_of, analog = body["as_of"], body["analog"]
    return Specs(
        device=DeviceName(_text(body["device"])),
        gate=None if body["gate"] is None else _gate_of(body["gate"]),
        analog=None if analog is None else _text(analog),
        photonic=_json(body["photonic"]),
        vendor=_json(body["vendor"]),
        as_of=None if as_of is None else datetime.fromisoformat(as_of),
    )


def _gate_document(gate: GateSpecs) -> dict[str, Any]:
    return {
        "native": list(gate.native),
        "supported": list(gate.supported),
        "qubits": list(gate.qubits),
        "edges": None if gate.edges is None else [list(pair) for pair in gate.edges],
        "one_qubit": {label: asdict(figures) for label, figures in gate.one_qubit},
        "two_qubit": {f"{a}-{b}": dict(figures) for (a, b), figures in gate.two_qubit},
        "angles": {name: [None if each is None else _angle(each) for each in angles] for name, angles in gate.angles},
    }


def _angle(angle: Angle) -> dict[str, Any]:
    return {"values": list(angle.values)} if angle.values else {"min": angle.least, "max": angle.most}


def _gate_of(body: Mapping[str, Any]) -> GateSpecs:
    edges = body["edges"]
    return GateSpecs(
        native=_texts(body["native"]),
        supported=_texts(body["supported"]),
        qubits=_texts(body["qubits"]),
        edges=None if edges is None else tuple(_pair(*pair) for pair in edges),
        one_qubit=tuple((label, _qubit_of(figures)) for label, figures in body["one_qubit"].items()),
        two_qubit=tuple(
            (_pair(*pair.split("-")), tuple((name, _figure(error)) for name, error in figures.items()))
            for pair, figures in body["two_qubit"].items()
        ),
        angles=tuple(
            (name, tuple(None if each is None else _angle_of(each) for each in angles))
            for name, angles in body["angles"].items()
        ),
    )


def _qubit_of(body: Mapping[str, Any]) -> Qubit:
    found = {name: None if body[name] is None else _figure(body[name]) for name in ("error", "t1", "t2", "readout")}
    return Qubit(**found)


def _angle_of(body: Mapping[str, Any]) -> Angle:
    if "values" in body:
        return Angle(values=tuple(_figure(each) for each in body["values"]))
    return Angle(least=_figure(body["min"]), most=_figure(body["max"]))


def _figure(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} is no figure")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r:.40} is no list")
    return tuple(_text(value) for value in values)


def _pair(one: object, other: object) -> tuple[str, str]:
    return _text(one), _text(other)


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, allow_nan=False)
