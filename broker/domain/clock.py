"""What time is it in the hub? One clock that all processes share, and that never goes back.

Leases, schedules and deadlines compare times that different processes have written. A wall clock that an operator or a
time server sets back would leave every lease held and every look in the future; one that is set forward would end
leases under their owners. So the hub's time follows the machine's uptime, and is only *drawn* towards the wall clock.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000
# How much faster or slower than the uptime the hub's time may go while the wall clock says something else. A lease of
# 90 s then lasts between 60 and 180 s by anybody's watch, and an hour's difference is gone after two.
SLEW = 0.5


class Beat(NamedTuple):
    """The hub's time at one moment of a machine's uptime; both in microseconds, ``hub`` since the Unix epoch."""

    hub: int
    uptime: int


def advanced(beat: Beat, *, uptime: int, wall: int) -> Beat:
    """The beat at a later uptime: never earlier than the last one, whatever the wall clock says."""
    passed = max(0, uptime - beat.uptime)
    straight = beat.hub + passed
    most = int(passed * SLEW)
    return Beat(hub=straight + max(-most, min(most, wall - straight)), uptime=max(uptime, beat.uptime))


def first(stored: Beat | None, newest: int, *, uptime: int, wall: int) -> Beat:
    """Where a process that starts takes up the hub's time.

    ``stored`` is the last beat of this boot of this machine: nothing was lost since. Without one the wall clock is all
    there is, but ``newest``, the latest beat of any machine or boot, has been already.
    """
    if stored is not None:
        return Beat(hub=stored.hub + max(0, uptime - stored.uptime), uptime=uptime)
    return Beat(hub=max(wall, newest), uptime=uptime)
