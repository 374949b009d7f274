"""Who stands in line for a device? The first job of every member who waits, and the next ones of those asked for.

Each step is one seek in ``ix_jobs_line``, so the work grows with members that wait and turns that are given, never
with the length of anybody's queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, String, and_, bindparam, cast, func, literal, or_, select

from broker.domain.fairshare import Waiting
from broker.domain.lifecycle import JobState
from broker.store.rows import micros, moment
from broker.store.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, Subquery
    from sqlalchemy.engine import Connection

_QUEUED = JobState.QUEUED.value
_DEVICE = bindparam("device", type_=String)
NOW = bindparam("now", type_=BigInteger)
_SHOWN = tuple(
    jobs.c[name] for name in ("id", "organisation_id", "project_id", "member_id", "created_at", "turn_micros")
)


def heads(connection: Connection, device: str, at: datetime) -> list[Waiting]:
    """The oldest job that may start of every member who waits for the device."""
    return _waiting(connection, _HEADS, {"device": device, "now": micros(at)})


def behind(connection: Connection, device: str, last: Sequence[str], at: datetime, depth: int) -> list[Waiting]:
    """Up to ``depth`` jobs that stand directly behind each of the jobs in ``last``, of the same member."""
    return _waiting(connection, _BEHIND, {"device": device, "now": micros(at), "last": list(last), "depth": depth})


def may_start(job: FromClause) -> ColumnElement[bool]:
    """Queued, timely, nobody's, and still wanted at ``now``, Unix microseconds that the statement is given."""
    return and_(
        job.c.state == _QUEUED,
        job.c.due_at <= NOW,
        or_(job.c.lease_until.is_(None), job.c.lease_until <= NOW),
        job.c.cancel_requested.is_(False),
        or_(job.c.deadline.is_(None), job.c.deadline > NOW),
        job.c.held == job.c.quoted,
    )


def _line(job: FromClause) -> ColumnElement[bool]:
    """The part of the index that holds the queue of ``device``."""
    return and_(job.c.device == _DEVICE, job.c.state == _QUEUED, job.c.due_at.is_not(None))


def _members() -> Any:  # noqa: ANN401  a recursive CTE has no public type
    """Everybody with a queued job, by one seek each: DISTINCT would read the whole queue."""
    first, later = jobs.alias("first"), jobs.alias("later")
    least = select(func.min(first.c.member_id)).where(_line(first)).scalar_subquery()
    members = select(least.label("member_id")).cte("members_in_line", recursive=True)
    more = select(func.min(later.c.member_id)).where(_line(later), later.c.member_id > members.c.member_id)
    return members.union_all(select(more.scalar_subquery()).where(members.c.member_id.is_not(None)))


def _heads() -> Select[Any]:
    members, each = _members(), jobs.alias("each")
    oldest = select(func.min(each.c.id)).where(may_start(each), _line(each))
    oldest = oldest.where(each.c.member_id == members.c.member_id)
    return _shown(select(oldest.scalar_subquery().label("id")).where(members.c.member_id.is_not(None)).subquery())


def _behind() -> Select[Any]:
    # Without a length, as min() has it: PostgreSQL wants one type in both halves of the walk.
    known = cast(jobs.c.id, String).label("id")
    last: BindParameter[Any] = bindparam("last", expanding=True)
    start = select(jobs.c.member_id, known, literal(0).label("place")).where(jobs.c.id.in_(last))
    walk = start.cte("walk", recursive=True)
    each = jobs.alias("each")
    following = select(func.min(each.c.id)).where(may_start(each), _line(each))
    following = following.where(each.c.member_id == walk.c.member_id, each.c.id > walk.c.id)
    step = select(walk.c.member_id, following.scalar_subquery(), walk.c.place + 1)
    walk = walk.union_all(step.where(walk.c.id.is_not(None), walk.c.place < bindparam("depth", type_=Integer)))
    return _shown(select(walk.c.id).where(walk.c.place > 0).subquery())


def _shown(found: Subquery) -> Select[Any]:
    return select(*_SHOWN).select_from(found.join(jobs, jobs.c.id == found.c.id)).order_by(jobs.c.id)


# Built once: to put such a statement together costs ten times what the database needs to answer it.
_HEADS, _BEHIND = _heads(), _behind()


def _waiting(connection: Connection, query: Select[Any], terms: Mapping[str, object]) -> list[Waiting]:
    return [
        Waiting(
            job=row.id,
            organisation=row.organisation_id,
            project=row.project_id,
            member=row.member_id,
            queued_at=moment(row.created_at),
            cost=row.turn_micros,
        )
        for row in connection.execute(query, terms)
    ]
