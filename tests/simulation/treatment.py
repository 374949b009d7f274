"""How does a vendor treat one job? Its manner, and the line that it writes into its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.base import Phase
from broker.domain.price import Usage

if TYPE_CHECKING:
    import random

    from broker.domain.ids import RemoteId

SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How the vendor treats one job: its times, how it ends, whether it lets itself be cancelled.

    ``result`` may be ``purged`` or ``unreadable``; ``says`` if its status tells what it bills.
    """

    queued: int = 2 * SECOND
    running: int = 5 * SECOND
    end: Phase = Phase.DONE
    billed_if_failed: bool = False
    cancels: bool = True
    result: str = "kept"
    says: bool = False


@dataclass(slots=True, eq=False)
class Accepted:
    """One line of the vendor's ledger: a create that it accepted."""

    remote_id: RemoteId
    token: str
    device: str
    shots: int
    manner: Manner
    accepted_at: int
    listed_at: int
    stopped_at: int | None = None
    gone: bool = False

    @property
    def cancels(self) -> bool:
        """Whether it ends when it is told to."""
        return self.manner.cancels

    def phase(self, now: int) -> Phase:
        """Where it stands."""
        if self.stopped_at is not None:
            return Phase.CANCELLED
        if now < self.accepted_at + self.manner.queued:
            return Phase.QUEUED
        if now < self.accepted_at + self.manner.queued + self.manner.running:
            return Phase.RUNNING
        return self.manner.end

    def usage(self, now: int) -> Usage | None:
        """What the vendor bills by now; None: nothing."""
        phase = self.phase(now)
        if phase is Phase.DONE or (phase is Phase.FAILED and self.manner.billed_if_failed):
            return Usage(shots=self.shots, run_ms=self.manner.running // 1000)
        began = self.accepted_at + self.manner.queued
        if self.stopped_at is not None and self.stopped_at > began:
            return Usage(shots=0, run_ms=(self.stopped_at - began) // 1000)
        return None


SHORT = (SECOND, SECOND, SECOND, 12 * SECOND)
LONG = (SECOND, 8 * SECOND, 40 * SECOND, 90 * SECOND)


def drawn_manner(
    rng: random.Random, *, fails: float, local: bool, lasts: bool, result: str = "kept", says: bool = False
) -> Manner:
    """A short or a long job, cancellable or not; local ones take milliseconds, and a few of them seconds."""
    seconds = LONG if lasts else SHORT
    return Manner(
        queued=rng.choice((100, 100, 5_000) if local else seconds),
        running=rng.choice((3_000, 60_000, 20 * SECOND) if local and lasts else (3_000, 60_000) if local else seconds),
        end=Phase.FAILED if rng.random() < fails else Phase.DONE,
        billed_if_failed=rng.random() < 0.5,
        cancels=rng.random() < 0.8,
        result=result,
        says=says,
    )
