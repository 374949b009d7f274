"""Would Pasqal take this batch? The checks of the create route, before anything is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.pasqal.devices import EMULATORS, SANDBOX_WIDTH
from backends.pasqal.wire.executor import Denied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_JOBS = 1000
MAX_RUNS = 1_000_000
MAX_TAGS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One job that passed: shots, variables and a sequence of its own, if it has one."""

    runs: int | None
    variables: dict[str, Any] | None
    sequence: str | None

    def document(self) -> dict[str, Any]:
        """As the task store keeps it."""
        return {"runs": self.runs, "variables": self.variables, "sequence": self.sequence}


def device_type_of(body: Mapping[str, Any], offered: Sequence[str]) -> str:
    """What the body names, or what its sequence was made for (the SDK's QPU class names nothing)."""
    named = body.get("device_type")
    if named is None:
        device = _sequence(body.get("sequence_builder"), "sequence_builder").get("device")
        named = device.get("name") if isinstance(device, dict) else device
    if named not in offered:
        raise Denied(422, f"Device type {named} is unknown")
    return str(named)


def tags_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The body's tags."""
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise _wrong(["tags"], "tags must be a list of texts")
    if len(tags) > MAX_TAGS:
        raise _wrong(["tags"], f"at most {MAX_TAGS} tags")
    return tuple(tags)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What jobs of one batch must fit: its device, and the specification of its machine where it has one."""

    device_type: str
    spec_of: Callable[[str], str | None]

    def jobs(self, wanted: object, *, shared: str | None) -> list[Wanted]:
        """The jobs of a create or of an addition; ``shared`` is the batch's sequence.

        Raises:
            Denied: one of them cannot run on this device.
        """
        if not isinstance(wanted, list) or not all(isinstance(job, dict) for job in wanted):
            raise _wrong(["jobs"], "jobs must be a list of objects")
        if len(wanted) > MAX_JOBS:
            raise _wrong(["jobs"], f"at most {MAX_JOBS} jobs")
        agreed = None if shared is None else self._fit(shared, "sequence_builder")
        return [self._job(job, place, shared=agreed) for place, job in enumerate(wanted)]

    def _job(self, job: Mapping[str, Any], place: int, *, shared: dict[str, Any] | None) -> Wanted:
        own = job.get("sequence")
        sequence = shared if own is None else self._fit(own, "sequence")
        if sequence is None:
            raise _wrong(["jobs", place, "sequence"], "the job has no sequence")
        return Wanted(
            runs=self._runs(job.get("runs"), place, sequence=sequence),
            variables=_variables(job.get("variables"), place, sequence=sequence),
            sequence=own,
        )

    def _fit(self, text: object, where: str) -> dict[str, Any]:
        sequence = _sequence(text, where)
        device, register = sequence.get("device"), sequence.get("register")
        if not isinstance(device, dict | str) or not isinstance(register, list):
            raise _wrong([where], "not a Pulser sequence in its abstract representation")
        if len(register) > SANDBOX_WIDTH:
            raise _wrong([where, "register"], f"at most {SANDBOX_WIDTH} atoms in this sandbox")
        emulated = self.device_type in EMULATORS
        if not emulated and device != json.loads(self.spec_of(self.device_type) or "null"):
            message = f"the sequence is not made for the present {self.device_type}"
            raise _wrong([where, "device"], message)
        return sequence

    def _runs(self, given: object, place: int, *, sequence: Mapping[str, Any]) -> int | None:
        emulated = self.device_type in EMULATORS
        if given is None and emulated:
            return None
        if type(given) is not int or given < 1:
            raise _wrong(["jobs", place, "runs"], "runs must be a positive integer")
        most = MAX_RUNS if emulated else sequence["device"].get("max_runs") or MAX_RUNS
        if given > most:
            raise _wrong(["jobs", place, "runs"], f"runs exceed the maximum of {most}")
        return given


def _sequence(text: object, where: str) -> dict[str, Any]:
    try:
        sequence = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        sequence = None
    if not isinstance(sequence, dict):
        raise _wrong([where], "not a Pulser sequence in its abstract representation")
    return sequence


def _variables(given: object, place: int, *, sequence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Bound completely where the sequence declares variables; a mappable register adds ``qubits``."""
    declared = set(sequence.get("variables") or {})
    if given is not None and not isinstance(given, dict):
        raise _wrong(["jobs", place, "variables"], "variables must be an object")
    missing = declared - set(given or {})
    if missing:
        raise _wrong(["jobs", place, "variables"], f"no value for {', '.join(sorted(missing))}")
    unknown = set(given or {}) - declared - {"qubits"}
    if unknown:
        raise _wrong(["jobs", place, "variables"], f"unknown variables {', '.join(sorted(unknown))}")
    return dict(given) if given else None


def _wrong(place: list[str | int], message: str) -> Denied:
    return Denied(422, [{"loc": place, "msg": message, "type": "value_error"}])
