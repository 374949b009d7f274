"""Whose run is it, and does its machine still live? Hosts of local runs, known by their heartbeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from broker.domain.device import Device
    from broker.domain.ids import HostId

# A host that was not heard of for this part of a lease (60 of 90 s) is dead, and its runs are run again elsewhere. Six
# beats: a database that restarts or a machine that swaps for half a minute costs nobody a run. Less than a lease, which
# a dead host's jobs may have to sit out anyway; so that is the one duration to set.
DEAD = 2 / 3
BEATS = 6  # how many heartbeats fit into that time
# Shorter runs share a call with others, and cost no host anything that another could spare it.
SMALL_S = 0.02
# So much work may wait at a host for each of its cores: until the next look, none of them should stand idle.
AHEAD_S = 2.0
ALL_CORES = 1 << 16  # of a run that has every core of its host, however many those are
# How long a dead host's row is shown to operators; machines that come and go must not fill the table.
SHOWN = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """One data directory on one boot of one machine, which runs local simulations, as it last described itself.

    ``machine`` is for people: two may have one name. ``cores`` and ``memory_bytes`` are what it may use at all, the
    free ones what no run has been promised. ``devices`` are those that it can run.
    """

    id: HostId
    machine: str
    boot: str
    version: str
    joined_at: datetime
    beat_at: datetime
    cores: int
    free_cores: int
    memory_bytes: int
    free_memory_bytes: int
    devices: tuple[Device, ...] = ()

    def lives(self, at: datetime, dead: timedelta) -> bool:
        """Whether it was heard of lately."""
        return self.beat_at > at - dead


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """What one run takes, by estimate; ``seconds`` are those of all its cores together."""

    cores: int = 1
    seconds: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What a host may use at all, what no run has been promised of it, and the core-seconds that wait there already."""

    cores: int
    free_cores: int
    memory_bytes: int
    free_memory_bytes: int
    backlog_s: float = 0.0

    def after(self, run: Weight) -> Capacity | None:
        """What is left when the run is taken too; None if another host had better take it.

        Small runs go many to a call beside all others: there is always room for them.
        """
        if run.memory_bytes > self.memory_bytes:
            return None
        if run.seconds < SMALL_S:
            return self
        if min(run.cores, self.cores) <= self.free_cores and run.memory_bytes <= self.free_memory_bytes:
            return replace(
                self,
                free_cores=self.free_cores - min(run.cores, self.cores),
                free_memory_bytes=self.free_memory_bytes - run.memory_bytes,
            )
        if self.backlog_s < AHEAD_S * self.cores:
            return replace(self, backlog_s=self.backlog_s + run.seconds)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """Where a worker stands: its own host (None: it serves no local runs), and since when a living one was heard of."""

    host: HostId | None
    heard: datetime


def together(hosts: Iterable[Host]) -> tuple[Device, ...]:
    """What several hosts offer as one: the most memory and width that any of them has, and all their queues.

    A device that one of them lacks is offered all the same: its jobs wait for a host that has it.
    """
    found: dict[str, Device] = {}
    for host in sorted(hosts, key=lambda each: each.id):
        for device in host.devices:
            known = found.get(device.name)
            found[device.name] = device if known is None else _both(known, device)
    return tuple(found[name] for name in sorted(found))


def _both(one: Device, other: Device) -> Device:
    return replace(
        one,
        width=_most(one.width, other.width),
        max_memory_bytes=_most(one.max_memory_bytes, other.max_memory_bytes),
        max_run_ms=max(one.max_run_ms, other.max_run_ms),
        queue_depth=_sum(one.queue_depth, other.queue_depth),
    )


def _most(one: int | None, other: int | None) -> int | None:
    """None is no limit."""
    return None if one is None or other is None else max(one, other)


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else (one or 0) + other
