"""Is there money, and how is it booked? A tree of budgets over a double-entry journal that sums to zero per currency.

Accounts, with the sign of a usual balance:

    member:{id}:held        +  reserved for live jobs                      hub's currency
    member:{id}:spent       +  charged for ended jobs                      hub's currency
    hub:{id}:commitments    −  contra of both                              hub's currency
    vendor:{backend}:payable −  what the vendor will bill                  vendor's currency
    clearing:{currency}     ±  where the two currencies meet               each currency
    hub:{id}:vendor-cost    +  what the hub owes its vendors for members   hub's currency
    platform:loss           +  what nobody can be charged for              either currency
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from broker.domain.job import Job
    from broker.domain.money import Money

LOSS = "platform:loss"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """One node of hub > organisation > project > member; ``limit_micros`` None means no limit of its own."""

    id: str
    owner: str
    parent: str | None
    currency: str
    limit_micros: int | None
    held: int
    spent: int

    @property
    def left(self) -> int | None:
        """Micro-units that can still be held; None without a limit."""
        return None if self.limit_micros is None else self.limit_micros - self.held - self.spent


class Entry(NamedTuple):
    """One line of the journal; ``job`` is None for what no job of ours caused."""

    account: str
    currency: str
    micros: int
    kind: str
    job: str | None = None


def first_short(budgets: Iterable[Budget], amount: Money, *, more: Mapping[str, int] | None = None) -> Budget | None:
    """The first budget, in the order given, that has less than ``amount`` left.

    ``more`` is what was held of each, by id, since the budgets were read.
    """
    for budget in budgets:
        if budget.currency != amount.currency:
            raise ValueError(f"budget {budget.id} is in {budget.currency}, not {amount.currency}")
        held = more.get(budget.id, 0) if more else 0
        if budget.left is not None and budget.left < amount.micros + held:
            return budget
    return None


def hold_entries(job: Job) -> tuple[Entry, ...]:
    """At admission: ``job.held``, the worst case, is reserved."""
    return _moved("hold", job, job.held, debit=_held(job), credit=_commitments(job))


def release_entries(job: Job) -> tuple[Entry, ...]:
    """At an end without a charge: the whole of ``job.held`` is given back."""
    return _moved("release", job, job.held, debit=_commitments(job), credit=_held(job))


def settle_entries(job: Job, *, charged: Money, listed: Money, loss: Money) -> tuple[Entry, ...]:
    """At an end with a bill: the hold goes back, the charge is spent, and the vendor is owed what it lists.

    ``charged`` + ``loss`` is ``listed`` in the hub's currency: the member pays ``charged``, the platform
    bears ``loss``, which a vendor billed beyond the hold.
    """
    payable, clearing = f"vendor:{job.backend}:payable", f"clearing:{job.held.currency}"
    return (
        *release_entries(job),
        *_moved("settle", job, charged, debit=f"member:{job.member}:spent", credit=_commitments(job)),
        *_moved("settle", job, listed, debit=f"clearing:{listed.currency}", credit=payable),
        *_moved("settle", job, charged, debit=f"hub:{job.hub}:vendor-cost", credit=clearing),
        *_moved("loss", job, loss, debit=LOSS, credit=clearing),
    )


def unpaid(settled: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of an end with a bill of which the member pays nothing: what was charged is the platform's loss."""
    kept = []
    for entry in settled:
        of_charge = entry.kind == "settle" and entry.account.endswith((":spent", ":commitments"))
        if entry.kind == "settle" and entry.account.endswith(":vendor-cost"):
            kept.append(entry._replace(account=LOSS, kind="loss"))
        elif not of_charge:
            kept.append(entry)
    return tuple(kept)


def orphan_entries(backend: str, listed: Money) -> tuple[Entry, ...]:
    """For a vendor's job that no attempt knows: the platform owes the vendor, and no member pays."""
    return _moved("orphan", None, listed, debit=LOSS, credit=f"vendor:{backend}:payable")


def _held(job: Job) -> str:
    return f"member:{job.member}:held"


def _commitments(job: Job) -> str:
    return f"hub:{job.hub}:commitments"


def _moved(kind: str, job: Job | None, amount: Money, *, debit: str, credit: str) -> tuple[Entry, ...]:
    """Two lines that sum to zero, or none for no money."""
    if amount.micros == 0:
        return ()
    name = None if job is None else job.id
    return tuple(
        Entry(account=account, currency=amount.currency, micros=micros, kind=kind, job=name)
        for account, micros in ((debit, amount.micros), (credit, -amount.micros))
    )
