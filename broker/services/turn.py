"""Whose job is next on a device? Fair Tree over stored shares and decayed spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.fairshare import Share, Waiting, decay, penalty, rank
from broker.store.rows import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.job import Job
    from broker.store.unit_of_work import Work


def in_turn(work: Work, waiting: Sequence[Job], *, at: datetime) -> list[Job]:
    """The jobs in the order in which they should start; one project alone keeps the order of arrival."""
    if len({job.member for job in waiting}) < 2:  # noqa: PLR2004  nothing to be fair about
        return list(waiting)
    by_id = {job.id: job for job in waiting}
    ranked = rank([_waiting(job) for job in waiting], shares_of(work, waiting), at=at)
    return [by_id[each.job] for each in ranked]  # type: ignore[index]


def shares_of(work: Work, waiting: Sequence[Job]) -> dict[str, Share]:
    """Weights and decayed spend of everybody who waits."""
    scopes = tuple({scope for job in waiting for scope in _scopes(job)})
    weights, used = work.people.shares(scopes), work.ledger.used(scopes)
    return {
        scope: Share(
            shares=weights.get(scope, 1),
            usage=float(used[scope][0]) if scope in used else 0.0,
            as_of=moment(used[scope][1]) if scope in used else None,
        )
        for scope in scopes
    }


def charge_turns(work: Work, begun: Sequence[Job], *, at: datetime) -> None:
    """The entry penalty: a hold counts as spend from the moment that its job gets a turn."""
    shares = shares_of(work, begun)
    spent: dict[str, float] = {}
    for job in begun:
        for scope in _scopes(job):
            before = shares[scope]
            decayed = decay(before.usage, before.as_of or at, at)
            spent[scope] = spent.get(scope, decayed) + penalty(job.held.micros)
    work.ledger.use({scope: round(micros) for scope, micros in spent.items()}, at)


def _scopes(job: Job) -> tuple[str, str, str]:
    return (job.organisation, job.project, job.member)


def _waiting(job: Job) -> Waiting:
    return Waiting(
        job=job.id,
        organisation=job.organisation,
        project=job.project,
        member=job.member,
        queued_at=job.created_at,
        cost=job.held.micros,
    )
