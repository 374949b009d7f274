"""Whose job is next on a device, and what does fair share charge for it? Fair Tree over stored shares and spend."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from broker.domain.fairshare import Share, decay, penalty, rank, used_cost
from broker.domain.lifecycle import TERMINAL
from broker.store.rows import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.change import Change
    from broker.domain.fairshare import Waiting
    from broker.domain.job import Job
    from broker.store.unit_of_work import Work

DEEPER = 8  # how much further each look goes into the queues of those who have run out of known jobs


def in_turn(work: Work, device: str, most: int, *, at: datetime) -> list[str]:
    """The next ``most`` jobs of a device in the order in which they should start, ranked over everybody who waits.

    Of each member only as many jobs are read as the ranking asks for: more are fetched of those whose known jobs all
    got a turn, until nobody is left who may have another. One member alone keeps the order of arrival.
    """
    line: dict[str, list[Waiting]] = {head.member: [head] for head in work.jobs.first_in_line(device, at)}
    heads = [jobs[0] for jobs in line.values()]
    if len(heads) < 2:  # noqa: PLR2004  nothing to be fair about
        behind = work.jobs.next_in_line(device, [head.job for head in heads], at, most - 1) if most > 1 else []
        return [each.job for each in (*heads, *behind)]
    tree, ended, depth = shares_of(work, heads), set[str](), max(1, 2 * most // len(heads))
    while True:
        ranked = rank([each for jobs in line.values() for each in jobs], tree, at=at, most=most)
        given = {each.job for each in ranked}
        dry = [name for name, jobs in line.items() if name not in ended and given.issuperset(j.job for j in jobs)]
        if not dry:
            return [each.job for each in ranked]
        more = work.jobs.next_in_line(device, [line[name][-1].job for name in dry], at, depth)
        for each in more:
            line[each.member].append(each)
        counts = Counter(each.member for each in more)
        ended |= {name for name in dry if counts[name] < depth}
        depth *= DEEPER


def shares_of(work: Work, waiting: Sequence[Waiting | Job]) -> dict[str, Share]:
    """Weights and decayed spend of everybody who waits."""
    scopes = tuple({scope for job in waiting for scope in _scopes(job)})
    weights, used = work.people.shares(scopes), work.ledger.decayed_spend(scopes)
    return {
        scope: Share(
            shares=weights.get(scope, 1),
            usage=float(used[scope][0]) if scope in used else 0.0,
            as_of=moment(used[scope][1]) if scope in used else None,
        )
        for scope in scopes
    }


def charge_turns(work: Work, changes: Sequence[Change], *, at: datetime) -> None:
    """The entry of every turn that begins here, and what each turn that ends here has cost more or less than it.

    Every change passes here once, whoever made it (services/apply.py), so no end can be free by being forgotten.
    """
    begun: dict[str, float] = defaultdict(float)
    over: dict[str, float] = defaultdict(float)
    for change in changes:
        if change.begins:
            _add(begun, change.job, penalty(change.job.turn))
        if change.attempt is not None and change.attempt.end is not None:
            _add(over, change.job, _correction(change, at))
    if not (begun or over):
        return
    # Held until the commit, in the order of their names: two workers that charge one member must add up.
    used = work.ledger.decayed_spend((*begun, *over), lock=True)
    spent = {scope: (micros, moment(as_of)) for scope, (micros, as_of) in used.items()}
    served = {
        scope: decay(*spent.get(scope, (0, at)), at) + more + over.pop(scope, 0.0) for scope, more in begun.items()
    }
    work.ledger.put_decayed_spend({scope: max(round(micros), 0) for scope, micros in served.items()}, at)
    # An end is no turn: it must not make an account look served just now, so its sum is kept as of its last turn.
    known = {scope: more / decay(1.0, spent[scope][1], at) for scope, more in over.items() if scope in spent}
    work.ledger.amend_decayed_spend({scope: max(round(spent[scope][0] + more), 0) for scope, more in known.items()})


def _add(sums: dict[str, float], job: Job, micros: float) -> None:
    for scope in _scopes(job):
        sums[scope] += micros


def _correction(change: Change, at: datetime) -> float:
    """What the turn has really cost, less what is left of its entry."""
    job, attempt = change.job, change.attempt
    assert attempt is not None  # noqa: S101  the caller has looked
    entry = 0.0 if change.begins else decay(penalty(job.turn), attempt.intent_at, at)
    if job.state not in TERMINAL:
        return -entry  # sent back to the queue: the next turn is charged anew
    charged = 0 if job.charged is None else job.charged.micros
    return used_cost(charged, (job.run_ms or 0) / 1000) - entry


def _scopes(job: Job | Waiting) -> tuple[str, str, str]:
    return (job.organisation, job.project, job.member)
