"""What goes wrong in one schedule? A plan is a pure function of its id, so that one id replays it.

``class/dialect/network/bells/point+point``  one of the exhaustive schedules: a crash at the first visit of each point
``random/N``                               drawn from seed N
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING
from zlib import crc32

from broker.crash import POINTS
from broker.domain.recovery import Recovery
from tests.simulation.treatment import SECOND, Manner, drawn_manner
from tests.simulation.vendor import Faults
from tests.simulation.wishes import MINUTE, Wish, drawn_wish, unwanted

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = 10 * MINUTE
DEAR = 10_000_000_000  # more than anything costs here
NETWORK = (
    "ok", "busy", "reset_before", "lost", "error_after", "late_in", "late_out", "late_reply", "refused", "stale",
    "talk", "fails", "gone",
)  # fmt: skip
# A create is lost and the job is not wanted any more before that is found out; the vendor has run it, and nobody can
# read its result. With each single point: pairs add nothing that those above do not have.
UNWANTED, WITHOUT_RESULT = "unwanted", ("purged", "unreadable")
# Local runs on two machines: one dies, a third joins as one dies, one stands still and comes back.
HOSTS = ("host_dies", "host_joins", "host_stands")
# Visited by the unit of work, but in no list: a crash there is like one a moment later.
MORE_POINTS = (*POINTS, "poll.after_commit", "reconcile.after_commit", "cancel.after_commit")
HOST_SCHEDULES = range(4)  # of each kind, drawn differently
PAUSES = (20 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE)
BELLS = ("ok", "lost", "twice")
DIALECTS = ("sqlite", "postgresql")
SUBMITS = ("busy", "reset_before", "lost", "error_after", "surprise", "late_in", "late_out", "late_reply", "stalled",
           "refused", "unauthorized")  # fmt: skip
TALKS = ("error", "timeout", "busy", "unauthorized", "word", "refused")


@dataclass(kw_only=True, slots=True)
class Plan:
    """Everything that one schedule is made of; ``affords`` is how many jobs the project's budget can hold.

    ``second`` is what the second device costs, in percent of the first; ``most`` is the members' maximum cost.
    """

    id: str
    rng: random.Random
    recovery: Recovery
    dialect: str
    faults: Faults
    crashes: set[tuple[str, int]]
    pauses: dict[tuple[str, int], int] = field(default_factory=dict)
    bells: tuple[float, float] = (0.0, 0.0)
    wishes: tuple[Wish, ...] = (Wish(at=0),)
    affords: int = 9
    concurrency: int = 2
    may_resubmit: bool = True
    operator: bool = True
    gateways: int = 1
    host_dies_at: int | None = None
    host_move: str | None = None
    host_moves_at: int | None = None
    sweep_at: int = 10 * MINUTE
    mixed: bool = False
    second: int = 100
    most: int | None = None


LOST = ("lost", "reset_before", "late_in", "late_out", "error_after")


class Scripted(Faults):
    """The first conversation of a kind goes wrong, the rest go well."""

    def __init__(self, network: str, rng: random.Random, *, local: bool, lasts: bool) -> None:
        self._local = local
        self._lasts = lasts
        self._rng = rng
        self._stubborn = rng.random() < 0.5
        self._result, self._says = ("kept", False) if network not in WITHOUT_RESULT else (network, rng.random() < 0.5)
        if network == UNWANTED or (network in WITHOUT_RESULT and rng.random() < 0.3):
            network = rng.choice(LOST)
        self._network = network
        self._left = dict.fromkeys(("submit", "find", "poll", "fetch", "cancel"), 1)

    def submit(self) -> str:
        self._left["submit"] -= 1
        if (self._network == "refused" and self._stubborn) or (self._left["submit"] == 0 and self._network in SUBMITS):
            return self._network
        return "ok"

    def talk(self, verb: str) -> str:
        if self._network != "talk":
            return "ok"
        self._left[verb] -= 1
        return self._rng.choice(TALKS) if self._left[verb] == 0 else "ok"

    def landing(self) -> int:
        if self._network == "late_out":
            return self._rng.randrange(WINDOW, 3 * WINDOW)
        return late_landing(self._rng)

    def lag(self) -> int:
        lags = self._network == "stale" or (self._network == "late_in" and self._rng.random() < 0.5)
        return self._rng.randrange(30 * SECOND, 5 * MINUTE) if lags else 0

    def manner(self) -> Manner:
        return drawn_manner(
            self._rng,
            fails=1.0 if self._network == "fails" else 0.0,
            local=self._local,
            lasts=self._lasts or self._network == "late_out",
            result=self._once(),
            says=self._says,
        )

    def _once(self) -> str:
        """Of a local run only the first result is lost: it is run again."""
        result = self._result
        if self._local and result == "purged":
            self._result = "kept"
        return result


class Drawn(Faults):
    """Any conversation may go wrong, each with its own chance."""

    def __init__(self, rng: random.Random, *, local: bool, lasts: bool) -> None:
        self._local = local
        self._lasts = lasts
        self._rng = rng
        self._submit = rng.choice((0.0, 0.2, 0.5, 0.8))
        self._talk = rng.choice((0.0, 0.0, 0.1, 0.3))
        self._fails = rng.choice((0.0, 0.0, 0.3))
        self._lag = rng.choice((0, 0, 2 * MINUTE))
        self._refuses = rng.random() < 0.05
        self._left = 12
        self._loses = rng.choice((0.0, 0.0, 0.0, 0.4))

    def submit(self) -> str:
        self._left -= 1
        if self._refuses:
            return "refused"
        wrong = self._left > 0 and self._rng.random() < self._submit
        return self._rng.choice(SUBMITS) if wrong else "ok"

    def talk(self, verb: str) -> str:
        self._left -= 1
        return self._rng.choice(TALKS) if self._left > 0 and self._rng.random() < self._talk else "ok"

    def landing(self) -> int:
        return self._rng.randrange(SECOND, 3 * WINDOW) if self._rng.random() < 0.4 else late_landing(self._rng)

    def lag(self) -> int:
        return self._rng.randrange(self._lag) if self._lag else 0

    def manner(self) -> Manner:
        loses = self._loses > 0 and self._rng.random() < self._loses
        return drawn_manner(
            self._rng,
            fails=self._fails,
            local=self._local,
            lasts=self._lasts,
            result=self._rng.choice(WITHOUT_RESULT) if loses else "kept",
            says=loses and self._rng.random() < 0.5,
        )


def late_landing(rng: random.Random) -> int:
    """When a delayed request lands: any time within the quiescence window, often just before its end."""
    return rng.randrange(SECOND, WINDOW - 2 * MINUTE) if rng.random() < 0.6 else WINDOW - rng.randrange(40) * SECOND


def exhaustive() -> Iterator[str]:
    """The id of every single point and pair of points, for each class, network fault and doorbell fault."""
    points = ["none", *POINTS, *("+".join(pair) for pair in combinations(POINTS, 2))]
    for recovery in Recovery:
        for network in NETWORK:
            for bells in BELLS:
                for crashes in points:
                    yield _named(recovery, network, bells, crashes)
        for network in (UNWANTED, *WITHOUT_RESULT):
            for bells in BELLS:
                for crashes in ("none", *POINTS):
                    yield _named(recovery, network, bells, crashes)
    for kind, more in product(HOSTS, HOST_SCHEDULES):
        for bells, crashes in product(BELLS, ("none", *POINTS)):
            yield _named(Recovery.RERUN, f"{kind}{more}", bells, crashes)


def _named(recovery: Recovery, network: str, bells: str, crashes: str) -> str:
    name = f"{recovery.value}/{{}}/{network}/{bells}/{crashes}"
    return name.format(DIALECTS[crc32(name.encode()) & 1])


def plan_of(schedule: str) -> Plan:
    """The plan of an id."""
    head, _, rest = schedule.partition("/")
    if head == "random":
        return _random(schedule, random.Random(int(rest)))
    dialect, network, bells, crashes = rest.split("/")
    rng = random.Random(crc32(schedule.encode()))
    if network.rstrip("0123456789") in HOSTS:
        return host_plan(schedule, dialect, network.rstrip("0123456789"), bells, crashes, rng)
    cancels = "cancel." in crashes or rng.random() < 0.15
    cancel_at = rng.choice((0, SECOND, 5 * SECOND, 40 * SECOND, 3 * MINUTE)) if cancels else None
    wish, pauses = unwanted(rng, cancels=cancels) if network == UNWANTED else (Wish(at=0, cancel_at=cancel_at), {})
    return Plan(
        id=schedule,
        rng=rng,
        recovery=Recovery(head),
        dialect=dialect,
        faults=Scripted(network, rng, local=head == "rerun", lasts=cancels or rng.random() < 0.1),
        crashes={(point, 1) for point in crashes.split("+") if point != "none"},
        bells={"ok": (0.0, 0.0), "lost": (1.0, 0.0), "twice": (0.0, 1.0)}[bells],
        pauses=pauses,
        wishes=(wish,),
        may_resubmit=rng.random() < 0.8,
        operator=rng.random() < 0.7,
        host_dies_at=rng.randrange(SECOND // 10, 20 * SECOND) if network == "gone" else None,
        sweep_at=rng.randrange(2 * MINUTE) if rng.random() < 0.2 else 10 * MINUTE,
        **_second(rng),
    )


def _second(rng: random.Random) -> dict[str, int | None]:
    return {"second": rng.choice((50, 100, 150)), "most": rng.choice((None, DEAR))}


def _random(schedule: str, rng: random.Random) -> Plan:
    recovery = rng.choice(tuple(Recovery))
    dialect = rng.choice(DIALECTS)
    wishes = tuple(drawn_wish(rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    lasts = rng.random() < 0.1 or any(wish.cancel_at is not None for wish in wishes)
    return Plan(
        id=schedule,
        rng=rng,
        recovery=recovery,
        dialect=dialect,
        faults=Drawn(rng, local=recovery is Recovery.RERUN, lasts=lasts),
        crashes={(rng.choice(MORE_POINTS), rng.choice((1, 1, 1, 2, 3))) for _ in range(rng.choice((0, 0, 1, 2, 3)))},
        pauses={
            (rng.choice(MORE_POINTS), rng.choice((1, 1, 2))): rng.choice(
                (20 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE)
            )
            for _ in range(rng.choice((0, 1, 1, 2)))
        },
        bells=rng.choice(((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 0.5))),
        wishes=wishes,
        affords=rng.choice((9, 9, 9, 1)),
        concurrency=rng.choice((1, 2, 4)),
        may_resubmit=rng.random() < 0.7,
        operator=rng.random() < 0.7,
        gateways=rng.choice((1, 2)),
        host_dies_at=rng.randrange(2 * MINUTE) if recovery is Recovery.RERUN and rng.random() < 0.3 else None,
        sweep_at=rng.randrange(2 * MINUTE) if rng.random() < 0.5 else 10 * MINUTE,
        mixed=dialect == "postgresql" and rng.random() < 0.6,
        **_second(rng),
    )


def host_plan(schedule: str, dialect: str, host_move: str, bells: str, crashes: str, rng: random.Random) -> Plan:
    """Several jobs whose runs take longer than anybody stays with them, on machines that come and go."""
    stands = host_move == "host_stands"
    pauses = {(rng.choice(MORE_POINTS), rng.choice((1, 1, 2, 3))): rng.choice(PAUSES) for _ in range(2 * stands)}
    wishes = tuple(drawn_wish(rng) for _ in range(rng.choice((1, 2, 3))))
    return Plan(
        id=schedule,
        rng=rng,
        recovery=Recovery.RERUN,
        dialect=dialect,
        faults=Drawn(rng, local=True, lasts=True)
        if rng.random() < 0.3
        else Scripted("ok", rng, local=True, lasts=True),
        crashes={(point, 1) for point in crashes.split("+") if point != "none"},
        pauses=pauses,
        bells={"ok": (0.0, 0.0), "lost": (1.0, 0.0), "twice": (0.0, 1.0)}[bells],
        wishes=wishes,
        concurrency=rng.choice((1, 2, 4)),
        gateways=rng.choice((1, 2)),
        host_move=host_move,
        host_moves_at=rng.randrange(SECOND // 10, 40 * SECOND),
        mixed=dialect == "postgresql" and rng.random() < 0.6,
    )
