"""What came out of a job? The stored result, whole if it is small, else part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.errors import NotReady
from broker.domain.lifecycle import TERMINAL
from broker.domain.retention import Stored
from broker.reads.jobs import own
from broker.reads.removed import removed

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.unit_of_work import Store

WHOLE = 1 << 20  # bytes of a result that is read at once
PART = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A stored result: JSON text of ``size`` bytes that ends with a brace."""

    job: str
    sha256: str
    size: int
    body: bytes | None


def result(store: Store, member: Member, job_id: str) -> Kept:
    """The stored result: its whole text if it is small, else its name and size, to be read in parts.

    Raises:
        NotFound: no such job in the member's project.
        NotReady: the job has not succeeded, or not yet.
        Removed: it was there, and a rule has removed it.
    """
    with store.read() as work:
        job = own(work, member, job_id)
        found = work.archive.result_size(job_id)
        if found is None:
            ended = job.state in TERMINAL
            raise NotReady(f"job {job_id} is {job.state}" + (" and has no result" if ended else "; ask again later"))
        sha256, size = found
        if size == 0:  # nothing that was sealed is empty (domain/result.py)
            raise removed(work, job_id, Stored.RESULTS, "/result")
        whole = work.archive.result(job_id) if size <= WHOLE else None
    return Kept(job=job_id, sha256=sha256, size=size, body=None if whole is None else whole[1].encode())


def part(store: Store, kept: Kept, start: int) -> tuple[bytes, int]:
    """A part of a large result's body, and where the next one starts; empty after the last.

    Each part is a read of its own: a slow reader holds no connection. Results are written once, so none changes.
    """
    with store.read() as work:
        return work.archive.result_part(kept.job, start, PART)
