"""Who takes a job that its device has refused? Routing is asked again, without that device and for no more money."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.attempt import AttemptEnd
from broker.domain.budget import hold_entries, release_entries
from broker.domain.change import Change, let_go, move
from broker.domain.errors import NoDevice
from broker.domain.lifecycle import JobState
from broker.domain.wanted import unwanted
from broker.services.decide import decide, load_asked
from broker.services.market import Market
from broker.services.tiers import Standings

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.decision import Offer
    from broker.domain.job import Job
    from broker.domain.money import Money
    from broker.domain.policy import Policy
    from broker.services.decide import Asked, Decided
    from broker.store.unit_of_work import Store, Work

# A program that three devices refuse is at fault itself, and every try is a request that a vendor counts.
MOST_REFUSALS = 3


class Failover:
    """Turns a refusal into a move to the next offer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._market = Market(store)

    def second_offer(self, before: Job, refused: Change, *, at: datetime) -> Change:
        """``refused`` is the failure of ``before``; it stands where nobody else offers.

        A named device has no second, and neither has a job that, as it is stored now, nobody wants any more. The worst
        case of the next one is within the member's ``max_cost`` or, without one, within the first quote: nobody pays
        more because a vendor said no. The money is held anew in the transaction that writes the change; if a budget
        has too little left, ``refused`` is written in its place.
        """
        if refused.attempt is None or refused.attempt.end is not AttemptEnd.REFUSED:
            return refused
        asked = self._question(before, refused, at)
        decided = None if asked is None else decide(asked, self._market.now(at))
        if decided is None or decided.decision.choice is None:
            return refused
        with self._store.write() as work:
            work.archive.keep_snapshots([(decided.posted.id, decided.posted.pieces())])
            work.archive.keep_decisions([(decided.id, decided.posted.id, decided.body)])
            offer = _held(work, before, decided, at)
        return refused if offer is None else _moved(before, refused, decided, offer, at=at)

    def _question(self, before: Job, refused: Change, at: datetime) -> Asked | None:
        with self._store.read() as work:
            now = work.jobs.get(before.id)
            stored, access = work.archive.decision(before.decision), work.people.access(before.hub)
        if now is None or unwanted(now, at=at) is not None or stored is None or access is None:
            return None
        asked = load_asked(json.loads(stored[0])["asked"])
        policy = asked.policy
        refusals = (*policy.refused_by, (before.device, refused.moves[-1].reason))
        if policy.device is not None or len(refusals) >= MOST_REFUSALS:
            return None
        again = replace(policy, max_cost=_most(policy, before), refused_by=refusals)
        return replace(asked, policy=again, access=access)


def _most(policy: Policy, before: Job) -> Money:
    return policy.max_cost or before.quoted


def _held(work: Work, before: Job, decided: Decided, at: datetime) -> Offer | None:
    """The next offer at its counter's standing, with the job counted there; None if it costs too much by now."""
    standings = Standings(work, [decided], at)
    offer = standings.offer(decided)
    if isinstance(offer, NoDevice):
        return None
    standings.take(before.id, decided)
    if not standings.held:
        work.counters.let_go(before.id)
    work.counters.hold(standings.held)
    return offer


def _moved(before: Job, refused: Change, decided: Decided, offer: Offer, *, at: datetime) -> Change:
    _, device = decided.chosen()
    rebound = alter(
        let_go(before),
        state=refused.moves[-1].before,
        device=offer.device,
        backend=device.backend,
        price=offer.price,
        rate=offer.rate,
        quoted=offer.cost,
        held=offer.cost,
        sandbox=offer.sandbox,
        decision=decided.id,
        due_at=at,
    )
    change = Change(
        job=rebound,
        attempt=refused.attempt,
        moves=refused.moves[:-1],
        entries=(*release_entries(before), *hold_entries(rebound)),
        held=offer.cost.micros - before.held.micros,
        otherwise=refused,
    )
    said = refused.moves[-1].reason
    return move(change, JobState.QUEUED, at=at, reason=f"{before.device} refused it ({said}); next is {offer.device}")
