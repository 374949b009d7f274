"""What must a vendor's adapter promise? Six verbs, each one short blocking conversation; none waits for a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from broker.domain.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.domain.device import Device
    from broker.domain.host import Room, Weight
    from broker.domain.ids import AttemptId, JobId, ProjectId, RemoteId
    from broker.domain.price import Usage
    from broker.domain.program import Program
    from broker.domain.requirement import Requirement
    from broker.domain.result import Outcomes

SUBMIT_TIMEOUT_S = 30.0

__all__ = [
    "SUBMIT_TIMEOUT_S",
    "Backend",
    "Hosted",
    "Order",
    "Outcome",
    "Phase",
    "Recovery",
    "Snapshot",
]


class Phase(StrEnum):
    """Where a vendor's job stands, in our words."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One attempt, ready to send.

    ``points`` holds one binding mapping per point, ``({},)`` for a job that is no sweep; ``shots`` is per point.
    ``options`` are the user's vendor options (``verbatim``, ``reservation_arn``) after validation. ``project`` is whose
    program it is: a child that has read it may serve no other (docs/threat-model.md); with ``organisation``
    and ``member`` it says whose turn it is, where a backend has a queue of its own.
    """

    job: JobId
    project: ProjectId
    attempt: AttemptId
    token: str
    device: Device
    program: Program
    requirement: Requirement
    shots: int
    points: tuple[Mapping[str, float], ...]
    seed: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    organisation: str = ""
    member: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One look at a vendor's job; ``word`` is the vendor's own status, kept beside our phase.

    ``usage`` is what the vendor bills for a job that has ended (``DONE``, ``FAILED``, ``CANCELLED``), as far as its
    status says, or what a machine of ours has spent: a run whose result is gone is booked from it. None for a job that
    did not finish: nothing is billed. None for a ``DONE`` job: the status does
    not tell, or what it tells cannot be read; that is never a bill of zero.
    Where a part of the bill stands in the result alone (a Braket simulator's run time), it is the least that is billed.
    ``code`` narrows the error of one that failed, where whoever asked must change something.
    """

    phase: Phase
    word: str
    queue_position: int | None = None
    message: str = ""
    usage: Usage | None = None
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A finished vendor job: ``points`` in the normal form's bit order, usage as the vendor reports it, its raw body.

    ``run_started_at`` and ``run_ended_at`` are the vendor's own Unix seconds where it gives them.
    ``compiled``, ``calibration`` and ``engine`` are text for the result; ``software`` maps package to version.
    """

    points: tuple[Outcomes, ...]
    usage: Usage
    raw: str
    compiled: str | None = None
    calibration: str | None = None
    engine: str | None = None
    software: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    run_started_at: float | None = None
    run_ended_at: float | None = None


@runtime_checkable
class Backend(Protocol):
    """The adapter of one vendor. Errors are those of backends/errors.py and no others.

    ``poll_floor_s`` is the shortest time after which looking again makes sense. ``allows_resubmit`` says whether a
    tag vendor's simulators may be sent again once absence is proven. ``close`` frees children and connections.
    """

    name: str
    recovery: Recovery
    poll_floor_s: float

    def devices(self) -> Sequence[Device]:
        """What the vendor offers now: abilities, windows, calibration, queue depth, published prices."""

    def submit(self, order: Order) -> RemoteId:
        """Exactly one create request on the wire, carrying ``order.token``.

        Raises:
            Busy: nothing was accepted; later.
            Refused: nothing was accepted; never.
            Unauthorized: our credentials are refused.
            OutcomeUnknown: the request may have been accepted.
        """

    def find(self, token: str) -> Sequence[RemoteId]:
        """The vendor's jobs whose token starts with ``token``. For a blind vendor, always empty."""

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        """A look at many jobs at once; one that the vendor does not know is ``LOST``.

        Ended jobs are looked at as closely as their bill needs. What is odd about one job stays with that job.
        """

    def fetch(self, remote_id: RemoteId) -> Outcome:
        """The result of a finished job; the same again when asked again.

        Raises:
            UnknownJob: in the vendor's own words the job, or its result, is gone for good; no 404 alone says so.
            Busy: not now.
            Refused: it ended without a result.
            Unreadable: there is one, and it is not what is documented.
        """

    def cancel(self, remote_id: RemoteId) -> None:
        """Ask the vendor to stop; silent on a finished or unknown job."""

    def close(self) -> None:
        """Let go of children and connections."""


@runtime_checkable
class Hosted(Protocol):
    """A backend whose runs live on the worker's own machine: nobody on another machine can look at them."""

    def devices(self) -> Sequence[Device]:
        """Those that this machine can run."""

    def capacity(self) -> Room:
        """What is left of this machine.

        Raises:
            BackendError: the host does not answer.
        """

    def weigh(self, device: str, need: Requirement, *, method: str, memory_bytes: int) -> Weight:
        """What a run takes on a machine with so much memory; of one that fits on none nothing, for the host refuses it.

        ``need`` bears the job's own shots and points.
        """
