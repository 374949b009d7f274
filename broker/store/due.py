"""Which jobs does a worker look at now? The statements of a look, built once.

To put one together costs more than the database needs to answer it, and a worker asks all of them at every look.
``now`` is in Unix microseconds; lists are given as lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, String, and_, bindparam, func, or_, select, union_all

from broker.domain.lifecycle import LIVE, JobState
from broker.store.line import NOW, may_start
from broker.store.tables import devices, hosts, jobs, pauses

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement, Select

WAITING = JobState.QUEUED.value
AT_WORK = tuple(s.value for s in (JobState.SUBMITTING, JobState.UNKNOWN, JobState.SUBMITTED, JobState.RUNNING))
# Not a list of its own: a state that it forgot would keep its jobs, and their money, for ever.
SCANNED = tuple(sorted(state.value for state in LIVE if state is not JobState.QUEUED))


def _any(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


_LIMIT = bindparam("limit", type_=Integer)
_ALIVE = jobs.c.due_at.is_not(None)
_FREE = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= NOW)
_IN_FORCE = or_(pauses.c.until.is_(None), pauses.c.until > NOW)
_HERE = and_(jobs.c.backend.in_(_any("backends")), jobs.c.state == WAITING, _ALIVE, _FREE)
# A run lives in its host's memory: whoever stands elsewhere would find it lost. Those of a host that was not heard of
# for too long are anybody's. Vendors' jobs have no host; the hosts are only read where a row bears another's name.
_MINE = or_(jobs.c.host.is_(None), jobs.c.host == bindparam("host", type_=String))
_LIVING = select(hosts.c.id).where(hosts.c.beat_at > bindparam("heard", type_=BigInteger))
_OURS = or_(_MINE, jobs.c.host.not_in(_LIVING))


def _sent(timely: ColumnElement[bool]) -> Select[Any]:
    query = select(jobs).where(jobs.c.backend.in_(_any("backends")), jobs.c.state.in_(SCANNED), _ALIVE, timely, _FREE)
    query = query.where(_OURS)
    return query.order_by(jobs.c.due_at).limit(_LIMIT).with_for_update(skip_locked=True)


DUE = _sent(jobs.c.due_at <= NOW)
RUNG = _sent(or_(jobs.c.due_at <= NOW, jobs.c.id.in_(_any("rung"))))
STARTING = select(jobs).where(jobs.c.id.in_(_any("ids")), may_start(jobs)).with_for_update(skip_locked=True)
QUEUED = select(jobs).where(jobs.c.id.in_(_any("ids")), jobs.c.state == WAITING, _ALIVE, _FREE)
QUEUED = QUEUED.with_for_update(skip_locked=True)

# Queued jobs that must not be sent any more. A look-up for each reason, with an index of its own: one condition over
# all would read the whole queue.
OVER = union_all(
    *(
        select(select(jobs.c.id).where(_HERE, reason).order_by(order).limit(_LIMIT).subquery().c.id)
        for reason, order in (
            (jobs.c.deadline <= NOW, jobs.c.deadline),
            (jobs.c.cancel_requested.is_(True), None),
            (jobs.c.held != jobs.c.quoted, None),
        )
    )
)

_PAUSED = select(pauses.c.scope).where(_IN_FORCE)
_TIMELY = select(jobs.c.id).where(jobs.c.device == devices.c.name, jobs.c.state == WAITING, jobs.c.due_at <= NOW)
QUEUED_DEVICES = (
    select(devices.c.name)
    .where(devices.c.backend.in_(_any("backends")), _TIMELY.exists())
    .where(devices.c.backend.not_in(_PAUSED), devices.c.name.not_in(_PAUSED))
)
LOCK_DEVICES = select(devices.c.name).where(devices.c.name.in_(_any("names"))).order_by(devices.c.name)
LOCK_DEVICES = LOCK_DEVICES.with_for_update(skip_locked=True)


def _since(state: JobState, name: str) -> ColumnElement[bool]:
    return and_(jobs.c.state == state.value, jobs.c.updated_at > bindparam(name, type_=BigInteger))


_LATELY = or_(_since(JobState.ATTENTION, "doubted_since"), _since(JobState.FETCHING, "unread_since"))
IN_FLIGHT = (
    select(jobs.c.device, func.count())
    .where(jobs.c.device.in_(_any("names")), or_(jobs.c.state.in_(AT_WORK), _LATELY), _ALIVE, _MINE)
    .group_by(jobs.c.device)
)

NEXT = select(func.min(jobs.c.due_at)).where(
    jobs.c.backend.in_(_any("backends")), jobs.c.state.in_(_any("states")), _ALIVE, _OURS
)

_LEASED_BY_US = jobs.c.lease_until.in_(_any("leases"))
_TOUCHED = or_(jobs.c.cancel_requested.is_(True), jobs.c.lease_until.is_(None), ~_LEASED_BY_US)
_STOPPED = or_(pauses.c.scope == jobs.c.device, pauses.c.scope == jobs.c.backend)
DISTURBED = (
    select(jobs.c.id, jobs.c.fence, jobs.c.cancel_requested, pauses.c.reason)
    .outerjoin(pauses, and_(_STOPPED, _IN_FORCE))
    .where(or_(_TOUCHED, pauses.c.scope.is_not(None)), jobs.c.id.in_(_any("ids")))
)
