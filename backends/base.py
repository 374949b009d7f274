"""What must a vendor's adapter promise? Six verbs, each one short blocking conversation; none waits for a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from backends.errors import BackendError
from broker.domain.host import Capacity, Weight
from broker.domain.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from broker.domain.device import Device
    from broker.domain.ids import AttemptId, JobId, ProjectId, RemoteId
    from broker.domain.money import Money
    from broker.domain.price import Usage
    from broker.domain.program import Program
    from broker.domain.requirement import Requirement
    from broker.domain.result import Outcomes
    from broker.domain.specs import Specs

T = TypeVar("T")
R = TypeVar("R")
# T of docs/architecture.md where nobody says otherwise; the worker brings QSUBMIT_SEND_TIMEOUT_S on the order.
USUAL_SEND_S = 30.0

__all__ = ["USUAL_SEND_S", "Backend", "Order", "Outcome", "Phase", "Recovery", "Snapshot"]


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

    ``deadline`` is the ``time.monotonic()`` of this process by which the create's answer must be here: the worker sets
    it from its lease when it sends, and everything that ``submit`` does obeys it, translation included. After it
    nothing may be sent: somebody else may own the job.
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
    deadline: float = field(default_factory=lambda: monotonic() + USUAL_SEND_S, compare=False)

    def left_s(self) -> float:
        """Seconds until the deadline; nothing once it has passed."""
        return max(self.deadline - monotonic(), 0.0)


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
    """The adapter of one vendor, which derives from this. Errors are those of backends/errors.py and no others.

    ``poll_floor_s`` is the shortest time after which looking again makes sense. ``close`` frees children and
    connections. The last methods have a default for vendors that lack the ability; a flag beside each says who has it.

    ``at_once``: how many orders ``submit_many`` takes in one call.
    ``tells_ends``: ``wait`` knows at once when a run has ended.
    ``keeps_ceilings``: the vendor can be told the most that may be spent on a device.
    ``runs_here``: its runs live on the worker's own machine, whose ``capacity`` bounds them.
    """

    name: str
    recovery: Recovery
    poll_floor_s: float
    at_once: int = 1
    tells_ends: bool = False
    keeps_ceilings: bool = False
    runs_here: bool = False

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

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        """An id or an error for each, in their order; called with more than one only where ``at_once`` allows it."""
        return [_tried(self.submit, order) for order in orders]

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> Sequence[Outcome | BackendError]:
        """A result or an error for each, in their order; what is wrong with one stays with that one."""
        return [_tried(self.fetch, remote_id) for remote_id in remote_ids]

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:  # noqa: ARG002
        """Return when ``need`` of them have ended, or after ``timeout_s``: those that have, as far as is known."""
        return []

    def keep_ceiling(self, device: Device, amount: Money) -> None:
        """Set or change the vendor's own limit of what may be spent on a device."""
        del device, amount

    def capacity(self) -> Capacity:
        """What is left of this machine, where runs live on it.

        Raises:
            BackendError: the host does not answer.
        """
        return Capacity(cores=0, free_cores=0, memory_bytes=0, free_memory_bytes=0)

    def weigh(self, device: str, need: Requirement, *, method: str, memory_bytes: int) -> Weight:
        """What a run takes on a machine with so much memory; of one that fits on none nothing, for the host refuses it.

        ``need`` bears the job's own shots and points.
        """
        del device, need, method, memory_bytes
        return Weight()

    def specs(self, device: Device) -> Specs | None:
        """What a device is made of, from what is known since ``devices`` was asked; None where the vendor says nothing.

        The same value for as long as the vendor says the same: each other one is stored as a version.
        """
        del device
        return None


def _tried(call: Callable[[T], R], subject: T) -> R | BackendError:
    try:
        return call(subject)
    except BackendError as error:
        return error
    except Exception as error:  # noqa: BLE001  an adapter that stumbles over one must not keep the others from theirs
        return BackendError(f"{type(error).__name__}: {error}")
