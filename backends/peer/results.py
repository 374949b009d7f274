"""What came back from a peer? Its result document, checked word by word, as an outcome of ours."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backends.base import Outcome
from backends.errors import Busy, UnknownStatus
from backends.outcome_check import counted, sound
from backends.peer.prices import usage_of
from broker.domain.result import BIT_ORDER, SCHEMA_VERSION, Outcomes, seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.device import Device


def outcome_of(job: Mapping[str, Any], text: str, device: Device | None) -> Outcome:
    """The outcome of a finished job; ``device`` is ours, and its price tells the run time that was billed.

    Raises:
        UnknownStatus: another schema version, bit order or register layout: counts could be read backwards.
        Busy: the document does not match its own hash.
    """
    document = json.loads(text)
    _check(document)
    if int(job["points"]) != len(document["points"]):
        raise UnknownStatus(f"the peer sent {len(document['points'])} points of {job['points']}")
    return sound(
        Outcome(
            points=tuple(_point(point) for point in document["points"]),
            usage=usage_of(job, device, shots=int(document["shots"]["obtained"])),
            raw=text,
            compiled=document["compiled"],
            calibration=document["calibration"],
            engine=document["engine"],
            software=document["software"],
            warnings=tuple(document["warnings"]),
            run_started_at=_entered(job, "running"),
            run_ended_at=_entered(job, "fetching"),
        )
    )


def _check(document: dict[str, Any]) -> None:
    version = str(document["schema_version"])
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise UnknownStatus(f"the peer sent a result of schema version {version}, we read {SCHEMA_VERSION}")
    kind = str(document["kind"])
    if BIT_ORDER.get(kind) != document["bit_order"]:
        raise UnknownStatus(f"the peer sent a {kind} result in bit order {document['bit_order']!r}")
    if kind == "gate":
        _check_registers(document)
    body = {name: value for name, value in document.items() if name != "sha256"}
    if seal(body)[1] != document["sha256"]:
        raise Busy("the peer's result does not match its hash", retry_after=60.0)


def _check_registers(document: Mapping[str, Any]) -> None:
    """The registers must lie one after the other and fill every key."""
    bits = 0
    for register in document["registers"]:
        if register["offset"] != bits:
            raise UnknownStatus(
                f"the peer's register {register['name']} begins at bit {register['offset']}, not {bits}"
            )
        bits += register["size"]
    if any(len(key) != bits for point in document["points"] for key in point["counts"]):
        raise UnknownStatus(f"the peer's keys do not have the {bits} bits of its registers")


def _point(body: Mapping[str, Any]) -> Outcomes:
    return Outcomes(counts=counted(body["counts"]), bindings=dict(body["bindings"]))


def _entered(job: Mapping[str, Any], state: str) -> float | None:
    """When the peer saw the job enter a state, in Unix seconds."""
    times = [move["at"] for move in job["timeline"] if move["state"] == state]
    return datetime.fromisoformat(times[-1]).timestamp() if times else None
