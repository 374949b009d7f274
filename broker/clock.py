"""Who tells a process the hub's time? A clock built once per process, and noted in the store for the next one."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

from broker.domain.clock import Beat, advanced, first

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.store.unit_of_work import Store, Work

log = logging.getLogger("qsubmit.clock")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ASK_S = 10.0
BEAT_S = 1.0  # two processes see a step of the wall clock at most so far apart, and differ by half of it


def uptime_now() -> int:
    """Microseconds since the machine started, the time that it slept included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def wall_now() -> int:
    """What this machine's clock says, in microseconds since the epoch."""
    return time.time_ns() // 1000


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Which boot of which machine this is: uptimes compare within it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Steady:
    """A clock that never goes back; call it for the time. Thread-safe."""

    def __init__(
        self, begins: Beat, *, wall: Callable[[], int] = wall_now, uptime: Callable[[], int] = uptime_now
    ) -> None:
        self._beat = begins
        self._wall = wall
        self._uptime = uptime
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The hub's time."""
        return EPOCH + timedelta(microseconds=self.beat().hub)

    def beat(self) -> Beat:
        """The hub's time with the uptime that it belongs to."""
        with self._lock:
            self._beat = advanced(self._beat, uptime=self._uptime(), wall=self._wall())
            return self._beat

    def ahead(self) -> timedelta:
        """By how much the hub's time is ahead of the wall clock."""
        return timedelta(microseconds=self.beat().hub - self._wall())


def steady() -> Steady:
    """A clock of one process alone, which begins at the wall clock's time."""
    return Steady(Beat(hub=wall_now(), uptime=uptime_now()))


class ServerClock:
    """The database server's clock, asked every few seconds and carried on by the uptime between.

    All machines of a hub share it, however their own clocks differ.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = self._ask()
        threading.Thread(target=self._keep_asking, name="clock", daemon=True).start()

    def __call__(self) -> int:
        """The server's time in microseconds since the epoch."""
        return self._seen.hub + uptime_now() - self._seen.uptime

    def _ask(self) -> Beat:
        before = uptime_now()
        with self._store.read() as work:
            said = work.clocks.server()
        return Beat(hub=said, uptime=(before + uptime_now()) // 2)

    def _keep_asking(self) -> None:
        while True:
            time.sleep(ASK_S)
            try:
                self._seen = self._ask()
            except Exception as error:  # noqa: BLE001  without the server the uptime carries on; its absence is told elsewhere
                log.debug("the database's clock cannot be read: %s", error)


def hub_clock(store: Store) -> Steady:
    """The hub's clock for this process: it goes on where the hub's other processes are."""
    wall = ServerClock(store) if store.engine.dialect.name == "postgresql" else wall_now
    with store.read() as work:
        stored, newest = work.clocks.beats(boot_id())
    clock = Steady(first(stored, newest, uptime=uptime_now(), wall=wall()), wall=wall)
    threading.Thread(target=_beat_on, args=(ref(clock),), name="beat", daemon=True).start()
    return clock


def _beat_on(clock: ref[Steady]) -> None:
    # Also while nobody asks. A worker that heard no doorbell for an hour would find the wall clock's step only then,
    # and draw its time towards it over the whole hour: minutes apart from the others, whose leases it would take.
    while (kept := clock()) is not None:
        kept.beat()
        del kept
        time.sleep(BEAT_S)


def note(work: Work, clock: Steady) -> None:
    """Write down the hub's time for processes that start later."""
    work.clocks.note(boot_id(), clock.beat())
