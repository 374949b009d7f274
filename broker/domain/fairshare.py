"""Whose turn is it? Slurm's Fair Tree over organisation > project > member, with ageing so that nobody starves.

At every level siblings are compared among themselves only, by LevelFS = share / usage (here its inverse,
usage / shares: the siblings' common sums cancel, so there is nothing to normalise). The best organisation's
best project's best member gives its oldest job; its cost is charged to the three at once, as the entry
penalty, and the next place is decided. So an account's heavy member costs its own account its turn and
nobody else's, and the order between two accounts depends on no third.

Ageing: an account with work waiting that was not served for ``PATIENCE`` goes before its siblings, the
longest unserved first. What counts is the time since it was served, not the age of its queue, so a long
queue earns nothing.

What a turn costs: at its beginning the hold or, where nothing is held, the expected seconds of a core; at its end what
was charged or used takes the entry's place, however the run ended. A turn that was given back cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from heapq import heapify, heappop, heapreplace
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

HALF_LIFE = timedelta(days=7)
PATIENCE = timedelta(hours=48)
# What a second of a core weighs where nobody pays for it: 0.02 of a currency unit, in KRW about what the large clouds
# ask for a vCPU second (0.045 USD an hour). Among free jobs only the ratio to LEAST_COST matters.
CORE_SECOND = 20_000
# Even a job that uses nothing takes a turn: 50 ms of a core, the claim, the call and the records of a small one.
LEAST_COST = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A job that waits for a contended device. ``cost`` is ``entry_cost``, in micro-units of the hub's currency."""

    job: str
    organisation: str
    project: str
    member: str
    queued_at: datetime
    cost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The weight of an organisation, project or member among its siblings, and its decayed spend.

    ``usage`` is in micro-units as of ``as_of``, the last time that one of its jobs was given a turn.
    """

    shares: int = 1
    usage: float = 0.0
    as_of: datetime | None = None


def decay(usage: float, since: datetime, at: datetime, half_life: timedelta = HALF_LIFE) -> float:
    """What ``usage`` still weighs: half after each ``half_life``. A clock that ran back changes nothing."""
    age = max((at - since) / half_life, 0.0)
    return float(usage * 0.5**age)


def penalty(cost: int) -> int:
    """What a turn is charged at once: its cost, but never nothing."""
    return max(cost, LEAST_COST)


def entry_cost(held: int, run_s: float) -> int:
    """What a job's turn is charged at its beginning: the hold or, on a free device, the seconds that it may run."""
    return penalty(max(held, _cores(run_s)))


def used_cost(charged: int, run_s: float) -> int:
    """What a turn has cost in the end: the charge or, on a free device, the seconds that were used."""
    return penalty(max(charged, _cores(run_s)))


def _cores(run_s: float) -> int:
    return round(max(run_s, 0.0) * CORE_SECOND)


def rank(
    waiting: Sequence[Waiting], tree: Mapping[str, Share], *, at: datetime, most: int | None = None
) -> tuple[Waiting, ...]:
    """``waiting`` in the order of their turns, all or the first ``most``, in O(n log n).

    ``tree`` is by id of organisation, project or member; one that is missing has one share and no usage.
    """
    root = _Account("", _UNKNOWN, at)
    for job in sorted(waiting, key=lambda each: (each.queued_at, each.job)):
        root.add(job, (job.organisation, job.project, job.member), tree)
    root.ready()
    return tuple(root.take() for _ in range(len(waiting) if most is None else min(most, len(waiting))))


_UNKNOWN = Share()


class _Account:
    """An organisation, project or member while one ranking is made: what waits there and what it was charged."""

    __slots__ = ("accounts", "at", "jobs", "name", "oldest", "place", "queue", "served", "shares", "usage")

    def __init__(self, name: str, share: Share, at: datetime) -> None:
        self.name = name
        self.at = at
        self.shares = share.shares
        self.served = share.as_of
        self.usage = share.usage if share.as_of is None else decay(share.usage, share.as_of, at)
        self.accounts: dict[str, _Account] = {}
        self.queue: list[tuple[tuple[float, float, float, str], _Account]] = []
        self.jobs: list[Waiting] = []
        self.place = 0
        self.oldest = at

    def add(self, job: Waiting, path: tuple[str, ...], tree: Mapping[str, Share]) -> None:
        """Jobs come oldest first."""
        self.oldest = min(self.oldest, job.queued_at)
        if not path:
            self.jobs.append(job)
            return
        name, *rest = path
        if name not in self.accounts:
            self.accounts[name] = _Account(name, tree.get(name, _UNKNOWN), self.at)
        self.accounts[name].add(job, tuple(rest), tree)

    def ready(self) -> None:
        for account in self.accounts.values():
            account.ready()
        self.queue = [(account.turn(), account) for account in self.accounts.values()]
        heapify(self.queue)

    def turn(self) -> tuple[float, float, float, str]:
        """Smaller comes first: the overdue, then by LevelFS; among equals who was longest not served."""
        since = self.oldest if self.served is None else max(self.oldest, self.served)
        if self.at - since >= PATIENCE:
            return (0.0, 0.0, since.timestamp(), self.name)
        level = self.usage / self.shares if self.shares > 0 else inf
        return (1.0, level, since.timestamp(), self.name)

    def take(self) -> Waiting:
        """The next job, charged to every account on the way."""
        job = self._next()
        self.usage += penalty(job.cost)
        self.served = self.at
        return job

    def _next(self) -> Waiting:
        if self.jobs:
            self.place += 1
            return self.jobs[self.place - 1]
        account = self.queue[0][1]
        job = account.take()
        if account.waits:
            heapreplace(self.queue, (account.turn(), account))
        else:
            heappop(self.queue)
        return job

    @property
    def waits(self) -> bool:
        """Whether anything is left here."""
        return self.place < len(self.jobs) or bool(self.queue)
