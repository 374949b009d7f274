"""What are the machines of local runs? Hosts with a heart; one dies, joins late, or stands still and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.host import Capacity, Weight
from broker.domain.ids import HostId
from broker.domain.terms import Terms
from tests.simulation.stage import Crash
from tests.simulation.treatment import SECOND
from workers.heart import Heart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.base import Order, Outcome, Recovery, Snapshot
    from backends.errors import BackendError
    from broker.domain.device import Device
    from broker.domain.ids import RemoteId
    from tests.simulation.local import Local
    from tests.simulation.world import World

TERMS = Terms()
BEAT = 10 * SECOND
# Whoever was silent for less has a heartbeat that nobody may call dead.
SILENT = 60 * SECOND - BEAT


class Machine:
    """A host; its worker bears the same name. ``silent`` says that others may have taken it for dead."""

    def __init__(self, world: World, name: str) -> None:
        self.name = HostId(name)
        self.dead = False
        self.silent = False
        self.still = False
        self.backend = On(world, self)
        self.heart = Heart(world.store, self.name, self.backend, dead=TERMS.dead)
        self._world = world

    def pulse(self) -> None:
        """A heartbeat, and the next one, while anything may still happen."""
        world = self._world
        if self.dead:
            return
        if not self.still:
            self.heart.beat(world.clock())
        if world.live() or any(client.waits for client in world.clients):
            world.stage.at(world.stage.now + BEAT, "heart", self.pulse)

    def die(self) -> None:
        """For good, with all that it ran."""
        world = self._world
        world.say(f"{self.name} dies")
        self.dead = self.silent = True
        for line in world.vendor.ledger.values():
            if world.checks.host_of(line.token) == self.name:
                line.gone = True
        world.replan()

    def stand_still(self, duration: int) -> None:
        """The whole machine, its worker in the midst of something."""
        self.still = True
        self.silent |= duration >= SILENT
        self._world.stage.sleep(duration)
        self.still = False


class On:
    """The adapter of one host: it knows its own runs only, and nobody may ask it for another's."""

    def __init__(self, world: World, machine: Machine) -> None:
        self._world = world
        self._machine = machine

    @property
    def _local(self) -> Local:
        return self._world.vendor  # type: ignore[return-value]

    @property
    def name(self) -> str:
        return self._local.name

    @property
    def recovery(self) -> Recovery:
        return self._local.recovery

    @property
    def poll_floor_s(self) -> float:
        return self._local.poll_floor_s

    @property
    def at_once(self) -> int:
        return self._local.at_once

    @property
    def tells_ends(self) -> bool:
        return self._local.tells_ends

    def devices(self) -> Sequence[Device]:
        return self._local.devices()

    def capacity(self) -> Capacity:
        return Capacity(cores=4, free_cores=4, memory_bytes=1 << 33, free_memory_bytes=1 << 33)

    def weigh(self, *_: object, **__: object) -> Weight:
        return Weight()

    def submit(self, order: Order) -> RemoteId:
        self._lives()
        return self._local.submit(order)

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        self._lives()
        return self._local.submit_many(orders)

    def find(self, token: str) -> Sequence[RemoteId]:
        return self._local.find(token)

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        return self._local.poll(self._mine(remote_ids))

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:
        return self._local.wait(self._mine(remote_ids), timeout_s, need=need)

    def fetch(self, remote_id: RemoteId) -> Outcome:
        return self._local.fetch(*self._mine([remote_id]))

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> list[Outcome | BackendError]:
        return self._local.fetch_many(self._mine(remote_ids))

    def cancel(self, remote_id: RemoteId) -> None:
        self._local.cancel(*self._mine([remote_id]))

    def close(self) -> None:
        pass

    def _mine(self, remote_ids: Sequence[RemoteId]) -> Sequence[RemoteId]:
        self._lives()
        self._world.checks.asked_of(self._machine.name, remote_ids)
        return remote_ids

    def _lives(self) -> None:
        if self._machine.dead:
            raise Crash(f"{self._machine.name} is dead")
