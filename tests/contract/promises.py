"""What does the contract suite need of a vendor? A case: how to start its sandbox, what to send, what is special."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from backends.base import Order, Phase
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized
from backends.sandboxing.knobs import Fault, Trouble
from broker.domain.ids import AttemptId, JobId, ProjectId, RemoteId, token_of
from broker.domain.program import PARADIGM, Format, Program
from broker.domain.requirement import Register, Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from backends.base import Backend, Recovery, Snapshot
    from backends.sandboxing.knobs import Knobs
    from backends.sandboxing.ledger import Ledger
    from broker.domain.device import Device

PATIENCE_S = 60.0


class Bench(Protocol):
    """A running sandbox of one vendor, in this process or another."""

    url: str
    knobs: Knobs
    ledger: Ledger

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> Backend:
        """A new adapter whose looks give up after ``timeout_s``; ``url`` instead of the sandbox's own."""

    def close(self) -> None:
        """End the sandbox; its data directory stays."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One vendor.

    ``device`` is where the samples run without noise; ``program`` makes its source, ``width`` its qubits, atoms or
    modes. ``words`` are all status words that the vendor documents. ``create`` is the name by which faults know the
    vendor's create request. ``reactions`` overrides the expected error of a script where the vendor's protocol says
    something else; ``why`` gives the reason for each override and for each ability that is off.
    """

    name: str
    recovery: Recovery
    start: Callable[[Path], Bench]
    device: str
    program: Program
    requirement: Requirement
    words: Mapping[str, Phase]
    secrets: tuple[str, ...]
    shots: int = 100
    create: str = "create"
    read: tuple[str, ...] = ("read", "list")
    sweep: Callable[[], tuple[Program, Requirement, tuple[Mapping[str, float], ...]]] | None = None
    sweep_creates: int = 1
    gate_device: str | None = None
    invalid: Program | None = None
    reactions: Mapping[str, type[BackendError]] = field(default_factory=dict)
    positions: bool = True
    unit_of: Callable[[RemoteId], str] = str
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Script:
    """One way in which a create goes wrong; ``accepted`` is how many tasks the vendor has afterwards."""

    name: str
    fault: Fault | None
    error: type[BackendError] | None
    accepted: int
    timeout_s: float = 20.0


def _script(trouble: Trouble, error: type[BackendError], accepted: int, **rest: float) -> Script:
    timeout_s = rest.pop("timeout_s", 20.0)
    fault = Fault(trouble=trouble, **rest)
    return Script(name=trouble.value, fault=fault, error=error, accepted=accepted, timeout_s=timeout_s)


SCRIPTS = (
    Script(name="calm", fault=None, error=None, accepted=1),
    _script(Trouble.THROTTLE, Busy, 0, retry_after=7),
    _script(Trouble.UNAVAILABLE, Busy, 0),
    _script(Trouble.UNAUTHORIZED, Unauthorized, 0),
    _script(Trouble.INVALID, Refused, 0),
    _script(Trouble.ERROR_BEFORE, OutcomeUnknown, 0),
    _script(Trouble.ERROR_AFTER, OutcomeUnknown, 1),
    _script(Trouble.BAD_GATEWAY_AFTER, OutcomeUnknown, 1),
    _script(Trouble.DROP_BEFORE, OutcomeUnknown, 0),
    _script(Trouble.DROP_AFTER, OutcomeUnknown, 1),
    _script(Trouble.TRUNCATE, OutcomeUnknown, 1),
    _script(Trouble.GARBLE, OutcomeUnknown, 1),
    _script(Trouble.HANG, OutcomeUnknown, 1, seconds=3.0, timeout_s=2.0),
    _script(Trouble.SLOW, OutcomeUnknown, 1, seconds=5.0, timeout_s=2.0),
    _script(Trouble.LATE, OutcomeUnknown, 1, seconds=0.3),
)


def order_of(case: Case, device: Device, **changes: object) -> Order:
    """The case's sample, ready to send under a token of its own."""
    job = JobId(str(uuid.uuid4()))
    attempt = AttemptId(str(uuid.uuid4()))
    order = Order(
        job=job,
        project=ProjectId(str(uuid.uuid4())),
        attempt=attempt,
        token=token_of(attempt),
        device=device,
        program=case.program,
        requirement=case.requirement,
        shots=case.shots,
        points=({},),
        seed=None,
    )
    return replace(order, **changes)


def requirement(form: Format, *, width: int, registers: tuple[tuple[str, int], ...] = (), **rest) -> Requirement:
    """What intake would have found."""
    offset, found = 0, []
    for name, size in registers:
        found.append(Register(name=name, size=size, offset=offset))
        offset += size
    return Requirement(format=form, paradigm=PARADIGM[form], width=width, registers=tuple(found), **rest)


# x on qubit 0 of three, measured across two registers out of order: "1" must come first on every route.
ASYMMETRIC = {
    Format.OPENQASM2: Program.of(
        Format.OPENQASM2,
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg a[1];\ncreg b[2];\nx q[0];\n'
        "measure q[2] -> b[1];\nmeasure q[0] -> a[0];\nmeasure q[1] -> b[0];\n",
    ),
    Format.OPENQASM3: Program.of(
        Format.OPENQASM3,
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[1] a;\nbit[2] b;\nx q[0];\n'
        "b[1] = measure q[2];\na[0] = measure q[0];\nb[0] = measure q[1];\n",
    ),
}
ASYMMETRIC_KEY = "100"


def asymmetric(form: Format) -> tuple[Program, Requirement]:
    """The program that tells every wrong bit order, and its requirement."""
    need = requirement(form, width=3, registers=(("a", 1), ("b", 2)), gates=((1, 1),), operations=4, depth=2)
    return ASYMMETRIC[form], need


def until(true: Callable[[], bool], *, seconds: float = PATIENCE_S) -> None:
    """Look often until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.02)


def ended(backend: Backend, remote_id: RemoteId) -> Snapshot:
    """Wait for the end of a job."""
    found: list[Snapshot] = []

    def look() -> bool:
        found[:] = [backend.poll([remote_id])[remote_id]]
        return found[0].phase not in (Phase.QUEUED, Phase.RUNNING)

    until(look)
    return found[0]
