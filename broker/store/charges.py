"""What was each ended job billed? One row per job, written with its end: statements read it, never the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.domain.price import lines
from broker.store.bulk import insert_rows
from broker.store.rows import compact, micros, usage_text
from broker.store.tables import charges

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from broker.domain.bill import Bill
    from broker.domain.job import Job


class Charges:
    """The charges inside one transaction; append-only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, billed: Sequence[tuple[Job, Bill]], at: datetime) -> None:
        """The bills of jobs that end; a job ends once, and its row is its own."""
        insert_rows(self._connection, charges, [_row(job, bill, at) for job, bill in billed])


def _row(job: Job, bill: Bill, at: datetime) -> dict[str, Any]:
    published = bill.published or bill.listed
    counter = bill.counter
    return {
        "job_id": job.id,
        "hub_id": job.hub,
        "organisation_id": job.organisation,
        "project_id": job.project,
        "member_id": job.member,
        "device": job.device,
        "backend": job.backend,
        "attempt": job.attempt,
        "remote_id": job.remote_id,
        "usage": usage_text(bill.usage),
        "components": compact(_components(bill)),
        "price_id": job.price,
        "rate_id": job.rate,
        "contract_currency": bill.listed.currency,
        "contract": bill.listed.micros,
        "list_currency": published.currency,
        "listed": published.micros,
        "currency": bill.charged.currency,
        "billed": bill.charged.micros,
        "loss": bill.loss.micros,
        "counter": counter[0] if counter else None,
        "month": counter[1] if counter else None,
        "counted_from": bill.counted.least if counter else None,
        "counted": bill.counts if counter else None,
        "ended_at": micros(bill.ended_at or at),
        "booked_at": micros(at),
    }


def _components(bill: Bill) -> list[list[Any]]:
    """[what, how much of it, micro-units]; they sum to the contract's amount."""
    if bill.price is None or bill.usage is None:
        return [["worst case", 1, bill.listed.micros]] if bill.listed.micros else []
    return [list(line) for line in lines(bill.price, bill.usage, bill.counted)]
