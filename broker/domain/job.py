"""What is a job? One admitted program with shots and points, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from broker.domain.ids import HostId, HubId, JobId, MemberId, OrganisationId, ProjectId, RemoteId
    from broker.domain.lifecycle import JobState
    from broker.domain.money import Money


@dataclass(frozen=True, kw_only=True)  # no slots: see alter.py
class Job:
    """The store's row of a job as the services see it; a change is a new value (lifecycle.advance).

    ``fence`` grows with every claim. ``run_ms`` is what the vendor billed as run time. ``attempt`` counts attempts
    begun. ``due_at`` is when a scanner should look next; None once terminal. ``quoted`` and ``held`` are in the hub's
    currency; ``charged`` is None until settled. ``turn`` is what fair share is charged when it gets its turn, fixed at
    admission (domain/fairshare.py). ``host`` is the one whose local run it is; None at a vendor, and while it waits.
    """

    id: JobId
    hub: HubId
    organisation: OrganisationId
    project: ProjectId
    member: MemberId
    name: str
    tags: tuple[str, ...]
    state: JobState
    device: str
    backend: str
    program: str
    shots: int
    points: tuple[Mapping[str, float], ...]
    seed: int | None
    options: Mapping[str, str]
    quoted: Money
    held: Money
    charged: Money | None
    price: str
    rate: str | None
    decision: str
    budgets: tuple[str, ...]
    sandbox: bool
    idempotency_key: str | None
    fingerprint: str
    created_at: datetime
    updated_at: datetime
    deadline: datetime | None
    due_at: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    fence: int
    attempt: int
    remote_id: RemoteId | None
    cancel_requested: bool
    error_code: str | None
    error: str | None
    run_ms: int | None
    trace: str | None
    turn: int = 0
    host: HostId | None = None
