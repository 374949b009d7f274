"""Does this worker's host live, for everybody to see? Its heartbeat, and what it can run at all."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from broker.clock import boot_id
from broker.domain.host import BEATS, Here, Host
from broker.domain.ids import HostId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from backends.base import Backend
    from broker.domain.device import Device
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.heart")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def host_id(data: Path, boot: str) -> HostId:
    """The same for all workers that reach one local host: its data directory, on this boot of this machine.

    Not a name in a file of the directory: one that is copied, or that two machines mount, would then be one host, and
    each of the two would find the other's runs lost. After a boot nothing of what ran before is left.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    seen = data.stat()
    return HostId(hashlib.sha256(f"{boot}:{seen.st_dev}:{seen.st_ino}".encode()).hexdigest()[:32])


@cache
def _release() -> str:
    """Reading it takes a millisecond."""
    return version("qsubmit")


class Heart:
    """Beats for one host; every worker of the host has one, and whoever is due beats for all. Thread-safe."""

    def __init__(self, store: Store, host: HostId, runs: Backend, *, dead: timedelta) -> None:
        self.host = host
        self._store = store
        self.runs = runs
        self._dead = dead
        self._every = dead / BEATS
        self._beat_at = _NEVER
        self.others: tuple[Host, ...] = ()
        self._offered: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def here(self, at: datetime) -> Here:
        """Where a look at ``at`` stands. Who is not heard of takes nobody's runs: perhaps it is he who is cut off."""
        return Here(host=self.host, heard=at - self._dead if self._heard(at) else _NEVER)

    def has(self, device: Device, at: datetime) -> bool:
        """Whether a run of the device may begin here now."""
        return device.name in self._offered and self._heard(at)

    def beat(self, at: datetime) -> None:
        """Say that the host lives, if nobody has said so lately; log it and go on if that cannot be said."""
        with self._lock:
            if at - self._beat_at < self._every:
                return
            try:
                self._beat(at)
            except Exception as error:  # noqa: BLE001  whatever is wrong with the host, vendors' jobs go on
                log.warning("the local host is not heard of: %s", error)

    def keep_beating(self, clock: Callable[[], datetime]) -> None:
        """In a thread of its own: also while a look takes long, and while nobody looks."""
        threading.Thread(target=self._go_on, args=(clock,), name="heart", daemon=True).start()

    def _heard(self, at: datetime) -> bool:
        """In the view of all others, with half of their patience left."""
        return at - self._beat_at < self._dead / 2

    def _beat(self, at: datetime) -> None:
        devices = tuple(self.runs.devices())
        self._offered = frozenset(device.name for device in devices)
        with self._store.read() as work:
            last = work.hosts.last_beat(self.host)
            living = work.hosts.living(at - self._dead)
        self.others = tuple(host for host in living if host.id != self.host)
        if last is None or at - last >= self._every:
            self._say(at, devices)
            last = at
        self._beat_at = last

    def _say(self, at: datetime, devices: tuple[Device, ...]) -> None:
        left = self.runs.capacity()
        host = Host(
            id=self.host,
            machine=socket.gethostname(),
            boot=boot_id(),
            version=_release(),
            joined_at=at,
            beat_at=at,
            cores=left.cores,
            free_cores=left.free_cores,
            memory_bytes=left.memory_bytes,
            free_memory_bytes=left.free_memory_bytes,
            devices=devices,
        )
        with self._store.write() as work:
            work.hosts.beat(host)

    def _go_on(self, clock: Callable[[], datetime]) -> None:
        while True:
            self.beat(clock())
            time.sleep(self._every.total_seconds() / 2)


def heart_of(store: Store, backends: Iterable[Backend], data: Path, *, dead: timedelta) -> Heart | None:
    """The heart of the host whose runs these backends begin; None for a worker that serves vendors alone."""
    for backend in backends:
        if backend.runs_here:
            return Heart(store, host_id(data, boot_id()), backend, dead=dead)
    return None
