"""Which moves did a job make? The stream's pages are read by its door, from the store's own positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.reads.jobs import own

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store


def moves_of(store: Store, member: Member, job_id: str) -> tuple[StoredEvent, ...]:
    """Every move of a job of the member's project, oldest first.

    Raises:
        NotFound: no such job in the member's project.
    """
    with store.read() as work:
        return tuple(work.events.of([own(work, member, job_id).id]))
