"""Which moves did jobs make after a position? Pages and windows of the store's events, each of bounded work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.lifecycle import TERMINAL
from broker.reads.jobs import own

if TYPE_CHECKING:
    from broker.domain.hub import Member
    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store

PAGE = 200
WINDOW = 5000  # moves of everybody that one read looks at


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Moves after a position, and the position to go on from.

    ``more`` says that others follow already; ``over`` that none will: the job that is watched has ended.
    """

    moves: tuple[StoredEvent, ...]
    end: int
    more: bool
    over: bool = False


def last(store: Store) -> int:
    """The newest position."""
    with store.read() as work:
        return work.events.last()


def of(store: Store, member: Member, job_id: str) -> tuple[StoredEvent, ...]:
    """Every move of a job of the member's project.

    Raises:
        NotFound: no such job in the member's project.
    """
    with store.read() as work:
        return tuple(work.events.of([own(work, member, job_id).id]))


def of_project(store: Store, member: Member, seq: int) -> Stretch:
    """Moves of the project's jobs among the next ``WINDOW`` of everybody's."""
    with store.read() as work:
        moves, end = work.events.window(seq, WINDOW, organisation=member.organisation, project=member.project)
    return Stretch(moves=tuple(moves), end=end, more=end == seq + WINDOW)


def of_job(store: Store, member: Member, job_id: str, seq: int) -> Stretch:
    """The next ``PAGE`` moves of a job of the member's project.

    Raises:
        NotFound: no such job in the member's project.
    """
    with store.read() as work:
        # The job before its moves: whoever sees that it has ended then also sees its last move.
        ended = own(work, member, job_id).state in TERMINAL
        moves = work.events.after(seq, PAGE, organisation=member.organisation, job=job_id)
    more = len(moves) == PAGE
    return Stretch(moves=tuple(moves), end=moves[-1].seq if moves else seq, more=more, over=ended and not more)
