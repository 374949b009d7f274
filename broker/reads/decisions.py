"""Why this device? The decision of a job, and the snapshot that it was made on, as they were stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.errors import NotFound
from broker.reads.jobs import own

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """JSON texts."""

    decision: str
    snapshot: str


def decision(store: Store, member: Member, job_id: str) -> Stored:
    """The decision of a job of the member's project.

    Raises:
        NotFound: no such job in the member's project.
    """
    with store.read() as work:
        found = work.archive.decision(own(work, member, job_id).decision)
        if found is None:
            raise NotFound(f"the decision of job {job_id} is gone")
    return Stored(decision=found[0], snapshot=found[1])
