"""Which machines run local simulations now, and which of them are silent? As they last described themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from broker.domain.host import Host
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class HostNow:
    """A host with what an operator asks first: whether it lives, and how many jobs are bound to it."""

    host: Host
    lives: bool
    runs: int


def hosts_now(store: Store, at: datetime, *, dead: timedelta) -> list[HostNow]:
    """The longest known first; those that have been dead for a day are forgotten."""
    with store.read() as work:
        known, runs = work.hosts.known(), work.hosts.runs()
    return [HostNow(host=host, lives=host.lives(at, dead), runs=runs.get(host.id, 0)) for host in known]
