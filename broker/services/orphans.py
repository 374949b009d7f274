"""Who pays for a vendor's job that no attempt answers for? The platform: the member never does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.budget import orphan_entries
from broker.domain.estimate import worst_case
from broker.domain.price import charge
from broker.domain.tier import held, standing_of
from broker.services.market import priced
from broker.store.requirement_text import load_requirement

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.money import Money
    from broker.domain.price import Price, Usage
    from broker.store.unit_of_work import Store, Work


def note(store: Store, backend: str, remote_id: str, device: str | None, *, at: datetime) -> bool:
    """Remember an orphan until its cost is booked; False if it was known. ``device`` is where its attempt was sent."""
    with store.write() as work:
        return work.orphans.note(backend, remote_id, device, at)


def settle(
    store: Store, backend: str, remote_id: str, device: str, usage: Usage | None, *, at: datetime
) -> Money | None:
    """Book what the vendor bills for an orphan that has ended, at the price in force; what was booked, if anything."""
    with store.write() as work:
        price = None if usage is None else _price_of(work, device, at)
        listed = None if price is None or usage is None else _at_its_counter(work, price, usage, at)
        return _book(work, backend, remote_id, listed, at)


def settle_at_worst(store: Store, backend: str, remote_id: str, device: str, *, at: datetime) -> Money | None:
    """Book the worst case of an orphan that may have run and of which the vendor says nothing any more.

    Raises:
        LookupError: no attempt is known that left it, or its device is gone: nobody can say how much that is.
    """
    with store.write() as work:
        job = work.attempts.left(backend, remote_id)
        offered = next((each for each in priced(work.catalogue, at) if each.name == device), None)
        if job is None or offered is None:
            raise LookupError(f"{remote_id}: its attempt or its device is not known")
        # Not from what the job holds: it may be at another device by now.
        _, text = work.archive.programs([job.program])[job.program]
        need = replace(load_requirement(json.loads(text)), shots=job.shots, points=max(1, len(job.points)))
        worst = worst_case(offered, need)
        listed = None if offered.price is None else _at_its_counter(work, offered.price, worst, at)
        return _book(work, backend, remote_id, listed, at)


def _at_its_counter(work: Work, price: Price, usage: Usage, at: datetime) -> Money:
    """Its own place in the month is not known: the dearest that it can have had."""
    if not price.counter:
        return charge(price, usage)
    return held(price, usage, standing_of(price, work.counters.standings([price.counter], at)))


def _book(work: Work, backend: str, remote_id: str, listed: Money | None, at: datetime) -> Money | None:
    if not work.orphans.settle(backend, remote_id, listed) or listed is None:
        return None
    work.ledger.post(orphan_entries(backend, listed), at)
    work.acted({"act": "orphan", "backend": backend, "remote": remote_id, "loss": listed.micros}, at)
    return listed


def _price_of(work: Work, device: str, at: datetime) -> Price | None:
    return next((each.price for each in priced(work.catalogue, at) if each.name == device), None)
