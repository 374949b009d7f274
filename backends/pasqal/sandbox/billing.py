"""What does a batch cost in the sandbox? Its finished jobs, once, when its last job has ended and it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.pasqal.clock import run_ms, stamp
from backends.pasqal.devices import device_name
from backends.pasqal.prices import price_of
from backends.sandboxing.ledger import Entry
from backends.sandboxing.tasks import ENDED, State, Task
from broker.domain.price import Usage, charge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.pasqal.sandbox.batches import BatchRow


def bill(batch: BatchRow, jobs: Sequence[Task]) -> Entry | None:
    """The charge of a batch that is over; failed and cancelled jobs are free, and a batch of such costs nothing."""
    if batch.open or any(job.state not in ENDED for job in jobs):
        return None
    done = [job for job in jobs if job.state is State.DONE]
    price = price_of(device_name(batch.device_type), sandbox=True)
    if price is None or not done:
        return None
    usage = Usage(tasks=1, shots=sum(job.shots for job in done), run_ms=sum(map(_run_ms, done)))
    cost = charge(price, usage)
    return Entry(
        kind="charge",
        task=batch.id,
        token=token_of(batch),
        device=batch.device_type,
        shots=usage.shots,
        micros=cost.micros,
        currency=cost.currency,
        note=f"{len(done)} of {len(jobs)} jobs, {usage.run_ms} ms",
    )


def token_of(batch: BatchRow) -> str:
    """What the client marked the batch with: its first tag."""
    return batch.tags[0] if batch.tags else ""


def _run_ms(job: Task) -> int:
    """By the times that the client sees, so that its bill and this one agree."""
    if job.started_at is None or job.ended_at is None:
        return 0
    return run_ms(stamp(job.started_at), stamp(job.ended_at))
