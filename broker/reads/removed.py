"""Where is what a job once had? Told with the time and the rule, where retention has removed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.errors import NotFound, QsubmitError, Removed

if TYPE_CHECKING:
    from broker.domain.retention import Stored
    from broker.store.unit_of_work import Work


def removed(work: Work, job_id: str, kind: Stored, pointer: str) -> QsubmitError:
    """The error to raise for a job's ``kind`` that is not there."""
    found = work.retention.removal(job_id, kind)
    if found is None:  # somebody deleted it by hand, or this release cannot read it
        return NotFound(f"the {pointer[1:]} of job {job_id} is gone")
    when = found.at.isoformat(timespec="seconds")
    detail = f"the {pointer[1:]} of job {job_id} was removed on {when}: {found.rule}"
    return Removed(detail, pointer=pointer, removed_at=when, rule=found.rule)
