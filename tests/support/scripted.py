"""What does a vendor answer in a test? A backend with the real interface that does what its script says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.base import Backend, Outcome, Phase, Recovery, Snapshot
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from backends.base import Order
    from broker.domain.device import Device
    from broker.domain.ids import RemoteId

DONE = Snapshot(phase=Phase.DONE, word="COMPLETED")
RUNNING = Snapshot(phase=Phase.RUNNING, word="RUNNING")
QUEUED = Snapshot(phase=Phase.QUEUED, word="QUEUED", queue_position=7)


def outcome(*, shots: int = 100, run_ms: int = 1000, tasks: int = 1) -> Outcome:
    usage = Usage(tasks=tasks, shots=shots, run_ms=run_ms)
    return Outcome(points=(Outcomes(counts={"00": shots}),), usage=usage, raw="{}")


@dataclass
class Scripted(Backend):
    """Accepts everything and finishes at once, unless told otherwise. ``sent`` is what reached the vendor."""

    name: str = "local"
    recovery: Recovery = Recovery.TOKEN
    poll_floor_s: float = 1.0
    offered: tuple[Device, ...] = ()
    reply: Callable[[Order], str] | Exception | None = None
    word: Snapshot | Exception = DONE
    result: Outcome | Exception | None = None
    found: Sequence[str] | Exception | None = None
    sent: list[Order] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    ids: itertools.count = field(default_factory=itertools.count)

    def devices(self) -> Sequence[Device]:
        return self.offered

    def submit(self, order: Order) -> RemoteId:
        if isinstance(self.reply, Exception):
            raise self.reply
        self.sent.append(order)
        return self.reply(order) if self.reply else f"remote-{next(self.ids)}"

    def find(self, token: str) -> Sequence[RemoteId]:
        if isinstance(self.found, Exception):
            raise self.found
        if self.found is not None:
            return list(self.found)
        return [f"remote-{n}" for n, order in enumerate(self.sent) if order.token.startswith(token)]

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        if isinstance(self.word, Exception):
            raise self.word
        return dict.fromkeys(remote_ids, self.word)

    def fetch(self, remote_id: RemoteId) -> Outcome:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result or outcome()

    def cancel(self, remote_id: RemoteId) -> None:
        self.cancelled.append(remote_id)

    def close(self) -> None:
        pass
