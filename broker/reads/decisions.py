"""Why this device? The decision of a job, and the snapshot that it was made on, as they were stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.retention import Stored
from broker.reads.jobs import own
from broker.reads.removed import removed

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """JSON texts."""

    decision: str
    snapshot: str


def decision(store: Store, member: Member, job_id: str) -> Kept:
    """The decision of a job of the member's project.

    Raises:
        NotFound: no such job in the member's project.
        Removed: a rule has removed it.
    """
    with store.read() as work:
        found = work.archive.decision(own(work, member, job_id).decision)
        if found is None:
            raise removed(work, job_id, Stored.DECISIONS, "/decision")
    return Kept(decision=found[0], snapshot=found[1])
