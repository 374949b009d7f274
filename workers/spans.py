"""What does driving look like in a trace? A span per tick, and one per vendor call in the trace of its job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backends.base import Backend
from broker.reads.traces import of_jobs, of_runs
from broker.tracing import IDLE, LINKS, parent_of
from workers.drive import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from backends.base import Order, Outcome, Snapshot
    from backends.errors import BackendError
    from broker.domain.device import Device
    from broker.domain.host import Capacity, Weight
    from broker.domain.ids import RemoteId
    from broker.domain.money import Money
    from broker.domain.requirement import Requirement
    from broker.domain.specs import Specs
    from broker.store.unit_of_work import Store
    from broker.tracing import Tracing


class TracedDriver(Driver):
    """Only there when tracing is on."""

    def __init__(self, tracing: Tracing, **parts: Any) -> None:  # noqa: ANN401  whatever a driver takes
        super().__init__(**parts)
        self._tracing = tracing

    def tick(self, rung: Sequence[str] = ()) -> int:
        """As before, inside a span; a tick that finds nothing leaves none."""
        with self._tracing.span("tick") as span:
            taken = super().tick(rung)
            span.set_attribute("qsubmit.jobs", taken)
            span.set_attribute(IDLE, taken == 0)
            return taken


class Traced(Backend):
    """A backend with a span around each of its verbs; it can what the wrapped one can, and no more."""

    def __init__(self, backend: Backend, tracing: Tracing, store: Store) -> None:
        self.name, self.recovery, self.poll_floor_s = backend.name, backend.recovery, backend.poll_floor_s
        self.at_once, self.tells_ends = backend.at_once, backend.tells_ends
        self.keeps_ceilings, self.runs_here = backend.keeps_ceilings, backend.runs_here
        self._backend, self._tracing, self._store = backend, tracing, store

    def devices(self) -> Sequence[Device]:
        with self._span("devices"):
            return self._backend.devices()

    def submit(self, order: Order) -> RemoteId:
        with self._span("submit", self._of_orders([order])):
            return self._backend.submit(order)

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        with self._span("submit_many", self._of_orders(orders)):
            return self._backend.submit_many(orders)

    def find(self, token: str) -> Sequence[RemoteId]:
        with self._span("find"):
            return self._backend.find(token)

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        with self._span("poll", self._of_ids(remote_ids)):
            return self._backend.poll(remote_ids)

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:
        with self._span("wait", self._of_ids(remote_ids)):
            return self._backend.wait(remote_ids, timeout_s, need=need)

    def fetch(self, remote_id: RemoteId) -> Outcome:
        with self._span("fetch", self._of_ids([remote_id])):
            return self._backend.fetch(remote_id)

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> Sequence[Outcome | BackendError]:
        with self._span("fetch_many", self._of_ids(remote_ids)):
            return self._backend.fetch_many(remote_ids)

    def cancel(self, remote_id: RemoteId) -> None:
        with self._span("cancel", self._of_ids([remote_id])):
            self._backend.cancel(remote_id)

    def keep_ceiling(self, device: Device, amount: Money) -> None:
        with self._span("keep_ceiling"):
            self._backend.keep_ceiling(device, amount)

    def specs(self, device: Device) -> Specs | None:
        return self._backend.specs(device)

    def capacity(self) -> Capacity:
        with self._span("capacity"):
            return self._backend.capacity()

    def weigh(self, device: str, need: Requirement, *, method: str, memory_bytes: int) -> Weight:
        return self._backend.weigh(device, need, method=method, memory_bytes=memory_bytes)

    def close(self) -> None:
        self._backend.close()

    @contextmanager
    def _span(self, verb: str, found: Sequence[str] = ()) -> Iterator[None]:
        # One job's call belongs into that job's trace; a call for many stays with the tick and points at them.
        parent = parent_of(found[0]) if len(found) == 1 else ""
        about = {"qsubmit.backend": self.name}
        with self._tracing.span(f"vendor {verb}", parent=parent, traces=found, about=about):
            yield

    def _of_orders(self, orders: Sequence[Order]) -> list[str]:
        return of_jobs(self._store, [order.job for order in orders[:LINKS]])

    def _of_ids(self, remote_ids: Sequence[RemoteId]) -> list[str]:
        return of_runs(self._store, self.name, remote_ids[:LINKS])
