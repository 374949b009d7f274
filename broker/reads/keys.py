"""Which API keys are there, and what may each still spend? Never a secret, never a digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.domain.budget import Budget
    from broker.store.people import KeyRow
    from broker.store.unit_of_work import Store, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A key with the budget that is its own, if it has one."""

    key: KeyRow
    budget: Budget | None


def listed(store: Store, hub: str, *, project: str | None = None, member: str | None = None) -> tuple[Shown, ...]:
    """The keys of a hub, of one of its projects or of one member, oldest first."""
    with store.read() as work:
        return _shown(work, work.people.keys_of(hub, project=project, member=member))


def shown(store: Store, key: KeyRow) -> Shown:
    """A key that is in hand."""
    with store.read() as work:
        return _shown(work, [key])[0]


def _shown(work: Work, keys: Sequence[KeyRow]) -> tuple[Shown, ...]:
    budgets = work.ledger.budgets({key.budget for key in keys if key.budget is not None})
    return tuple(Shown(key=key, budget=budgets.get(key.budget or "")) for key in keys)
