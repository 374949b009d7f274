"""How long is each promise? The durations of leases, sends and looks, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broker.domain.host import DEAD
from broker.domain.recovery import Quiescence


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """``send_timeout`` is T of docs/architecture.md, the time that one send has from its first step to its answer.

    ``result_patience`` is how long a finished run's unreadable result is asked for before it is given up as lost.
    ``doubted`` is how long a job in ``attention`` keeps its place at a device (None: the store's hour).
    ``stay`` is how long one scan stays with jobs that are about to finish; ``batch`` how many it takes at once.
    """

    lease: timedelta = timedelta(seconds=90)
    send_timeout: timedelta = timedelta(seconds=30)
    quiescence: Quiescence = field(default_factory=Quiescence)
    stay: timedelta = timedelta(seconds=2)
    batch: int = 128
    pause: timedelta = timedelta(minutes=5)
    result_patience: timedelta = timedelta(days=7)
    doubted: timedelta | None = None

    def may_send(self, lease_until: datetime | None, at: datetime) -> bool:
        """Whether enough of a lease is left to send.

        T for the request, which must be over before anybody else may act, and T for what its answer has to be: written
        down, at a database that may be slow.
        """
        return lease_until is not None and lease_until - at >= 2 * self.send_timeout

    @property
    def dead(self) -> timedelta:
        """How long a host of local runs may be silent before they are run again elsewhere."""
        return self.lease * DEAD
