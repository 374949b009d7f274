"""What do the local simulators do? The rerun class: one host for all workers, free, and forgetful when it dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.errors import BackendError, OutcomeUnknown
from tests.simulation.treatment import SECOND
from tests.simulation.vendor import Vendor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.base import Order, Outcome
    from broker.domain.ids import RemoteId


class Local(Vendor):
    """Takes and gives many at once, and says when a run has ended."""

    at_once = 1024
    tells_ends = True

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        return [self._one(order) for order in orders]

    def _one(self, order: Order) -> RemoteId | BackendError:
        try:
            return self.submit(order)
        except BackendError as error:
            return error
        except ValueError as error:
            return OutcomeUnknown(str(error))

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:
        now = self.stage.now
        ends = sorted(self._ends(remote_id) for remote_id in remote_ids)
        soonest = max(ends[min(need, len(ends)) - 1] - now, 0)
        self.stage.sleep(min(soonest, int(timeout_s * SECOND)) + 1000)
        return [r for r in remote_ids if self._ends(r) <= self.stage.now]

    def _ends(self, remote_id: RemoteId) -> int:
        line = self.ledger.get(remote_id)
        if line is None or line.gone or line.stopped_at is not None:
            return 0
        return line.accepted_at + line.manner.queued + line.manner.running

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> list[Outcome | BackendError]:
        return [self._fetched(remote_id) for remote_id in remote_ids]

    def _fetched(self, remote_id: RemoteId) -> Outcome | BackendError:
        try:
            return self.fetch(remote_id)
        except BackendError as error:
            return error
