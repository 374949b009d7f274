"""What goes wrong in a schedule against a real sandbox? A plan is a pure function of its id here, too.

``vendor/dialect/network/bells/point``  a crash at the first visit of the point, and one fault on the wire
``vendor/random/N``                     drawn from seed N: pairs of points, several jobs, several faults
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING
from zlib import crc32

from broker.crash import POINTS
from broker.domain.recovery import Recovery
from tests.simulation.plan import BELLS, DIALECTS, MORE_POINTS, PAUSES, UNWANTED, Drawn, Plan, Scripted
from tests.simulation.treatment import SECOND
from tests.simulation.wishes import MINUTE, Wish, unwanted

if TYPE_CHECKING:
    from collections.abc import Iterator

VENDORS = {
    "braket": Recovery.TOKEN,
    "pasqal": Recovery.TAG,
    "quandela": Recovery.BLIND,
    "local": Recovery.RERUN,
}
# First and second device. Those of the first line are machines, where a project's leave to send again counts.
PAIRS = {
    "braket": (("ionq-forte-1", "ionq-forte-enterprise-1"), ("sv1", "dm1"), ("dm1", "sv1")),
    "pasqal": (("fresnel", "fresnel-can1"), ("emu-free", "emu-sv"), ("emu-sv", "emu-free")),
    "quandela": (("ascella", "altair"), ("sim-slos", "sim-ascella"), ("sim-ascella", "sim-slos")),
    "local": (("auto", "aer"), ("aer", "auto")),
}
DEAR = 1_000_000_000_000  # more than anything costs here
NETWORK = ("ok", "busy", "unauthorized", "refused", "reset_before", "lost", "unlisted", "error_after", "late_in",
           "late_out", "late_reply", "talk", "fails", UNWANTED)  # fmt: skip
# A request over a local socket lands at once or never; but its host can die.
LOCAL_NETWORK = ("ok", "busy", "refused", "reset_before", "lost", "late_reply", "fails", "gone")
# Nothing is asked there: a blind vendor cannot list, and a local run is simply run again.
UNSEEN = ("reconcile.before_find", "reconcile.after_find")
FEW = (5, 10, 20)
# When a job is cancelled: before it is sent, or while it waits or runs.
LATER = (0, SECOND, 5 * SECOND, 40 * SECOND)
SOON = (0, SECOND // 50, SECOND // 4, 2 * SECOND)


class Wire(Scripted):
    """Knows two faults more: the create's answer is lost and the first looks for it are refused; its taker dies."""

    def __init__(self, network: str, rng: random.Random, *, local: bool, lasts: bool) -> None:
        super().__init__("lost" if network == "unlisted" else network, rng, local=local, lasts=lasts)
        self._refusals = 3 if network == "unlisted" else 0
        self._dies = network == "gone" and rng.random() < 0.5

    def submit(self) -> str:
        if self._dies:
            self._dies = False
            return "gone"
        return super().submit()

    def talk(self, verb: str) -> str:
        if verb == "find" and self._refusals > 0:
            self._refusals -= 1
            return "refused"
        return super().talk(verb)


@dataclass(kw_only=True, slots=True)
class SandboxPlan(Plan):
    """``held`` is the knob that keeps jobs from ending before ``held_until``; ``fails`` is the share that fails."""

    vendor: str
    pair: tuple[str, str]
    held: str | None = None
    held_until: int = 0
    fails: float = 0.0


def exhaustive(vendor: str) -> Iterator[str]:
    """Each single point with each fault of the network and of the doorbell.

    In three rounds: each has every point with every fault on the wire once, and with one of the doorbell's.
    """
    knows = VENDORS[vendor] in (Recovery.TOKEN, Recovery.TAG)
    points = ["none", *(point for point in POINTS if knows or point not in UNSEEN)]
    network = LOCAL_NETWORK if vendor == "local" else NETWORK
    for turn in range(len(BELLS)):
        for row, fault in enumerate(network):
            for column, point in enumerate(points):
                if fault == "gone" and column % 8 != turn:
                    continue  # a host that starts again takes seconds
                name = f"{vendor}/{{}}/{fault}/{BELLS[(row + column + turn) % len(BELLS)]}/{point}"
                yield name.format(DIALECTS[crc32(name.encode()) & 1])


def at_random(vendor: str, seed: int = 0) -> Iterator[str]:
    """Without end; seeds of different runs do not overlap."""
    yield from (f"{vendor}/random/{number}" for number in count(seed * 1_000_000_000))


def plan_of(schedule: str) -> SandboxPlan:
    """The plan of an id."""
    vendor, _, rest = schedule.partition("/")
    rng = random.Random(crc32(schedule.encode()))
    return _drawn(schedule, vendor, rng) if rest.startswith("random/") else _scripted(schedule, vendor, rest, rng)


def _scripted(schedule: str, vendor: str, rest: str, rng: random.Random) -> SandboxPlan:
    dialect, network, bells, point = rest.split("/")
    pair, may_resubmit = _pair(vendor, rng)
    cancels = "cancel." in point or rng.random() < 0.1
    lasts = (network == "late_out" and rng.random() < 0.7) or (vendor == "local" and point.startswith("poll."))
    held, held_until = _hold(vendor, rng, cancels=cancels, lasts=lasts)
    cancel_at = rng.choice(SOON if vendor == "local" else LATER) if cancels else None
    wish, pauses = unwanted(rng, cancels=cancels) if network == UNWANTED else (Wish(at=0, cancel_at=cancel_at), {})
    return SandboxPlan(
        id=schedule,
        rng=rng,
        vendor=vendor,
        pair=pair,
        recovery=VENDORS[vendor],
        dialect=dialect,
        faults=Wire(network, rng, local=vendor == "local", lasts=False),
        crashes={(point, 1)} - {("none", 1)},
        bells={"ok": (0.0, 0.0), "lost": (1.0, 0.0), "twice": (0.0, 1.0)}[bells],
        pauses=pauses,
        wishes=(replace(wish, shots=rng.choice(FEW)),),
        may_resubmit=may_resubmit,
        operator=rng.random() < 0.7,
        host_dies_at=rng.randrange(rng.choice((40_000, SECOND, 2 * MINUTE))) if network == "gone" else None,
        sweep_at=rng.randrange(2 * MINUTE) if rng.random() < 0.2 else 10 * MINUTE,
        most=rng.choice((None, DEAR)),
        held=held,
        held_until=held_until,
        fails=1.0 if network == "fails" else 0.0,
    )


def _drawn(schedule: str, vendor: str, rng: random.Random) -> SandboxPlan:
    pair, may_resubmit = _pair(vendor, rng)
    wishes = tuple(_wish(rng) for _ in range(rng.choice((1, 1, 2, 3))))
    cancels = any(wish.cancel_at is not None for wish in wishes)
    held, held_until = _hold(vendor, rng, cancels=cancels, lasts=rng.random() < 0.2)
    return SandboxPlan(
        id=schedule,
        rng=rng,
        vendor=vendor,
        pair=pair,
        recovery=VENDORS[vendor],
        dialect=rng.choice(DIALECTS),
        faults=Drawn(rng, local=vendor == "local", lasts=False),
        crashes={(rng.choice(MORE_POINTS), rng.choice((1, 1, 1, 2, 3))) for _ in range(rng.choice((1, 2, 2, 2, 3)))},
        pauses={(rng.choice(MORE_POINTS), 1): rng.choice(PAUSES) for _ in range(rng.choice((0, 0, 1)))},
        bells=rng.choice(((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 0.5))),
        wishes=wishes,
        affords=rng.choice((9, 9, 9, 1)),
        may_resubmit=may_resubmit,
        operator=rng.random() < 0.7,
        gateways=rng.choice((1, 2)),
        sweep_at=rng.randrange(2 * MINUTE) if rng.random() < 0.5 else 10 * MINUTE,
        mixed=rng.random() < 0.3,
        most=rng.choice((None, DEAR)),
        held=held,
        held_until=held_until,
        fails=rng.choice((0.0, 0.0, 0.3)),
    )


def _pair(vendor: str, rng: random.Random) -> tuple[tuple[str, str], bool]:
    """Two devices, and whether what is proved absent may be sent there again."""
    pair = rng.choice(PAIRS[vendor])
    first, second = (f"{vendor}/{name}" for name in pair)
    return (first, second), pair is not PAIRS[vendor][0] or rng.random() < 0.7


def _hold(vendor: str, rng: random.Random, *, cancels: bool, lasts: bool) -> tuple[str | None, int]:
    """Long enough to be told to stop; where something may land late, to be found by a sweep before it ends."""
    if not (cancels or lasts):
        return None, 0
    if vendor == "local":
        return "stopped", rng.choice((SECOND, 10 * SECOND, MINUTE))
    long = lasts and vendor != "braket"
    return rng.choice(("queue_delay", "run_delay")), 45 * MINUTE if long else rng.choice((MINUTE, 3 * MINUTE))


def _wish(rng: random.Random) -> Wish:
    at = rng.choice((0, 0, rng.randrange(2 * MINUTE)))
    return Wish(
        at=at,
        cancel_at=at + rng.choice((0, SECOND, 35 * SECOND, 12 * MINUTE)) if rng.random() < 0.35 else None,
        deadline=at + rng.randrange(MINUTE, 10 * MINUTE) if rng.random() < 0.15 else None,
        again=rng.random() < 0.2,
        shots=rng.choice(FEW),
    )
