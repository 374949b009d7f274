"""Does every acknowledged job end exactly once, whoever is killed, wherever, on either database?"""

from __future__ import annotations

import pytest

from tests.support.crash_case import Case, play

GATEWAY = ("gateway.received", "gateway.before_commit", "gateway.after_commit", "gateway.after_ring")
SENDING = ("claim.before_commit", "claim.after_commit", "submit.before_send", "submit.after_send")
RECORDING = ("record.before_commit", "record.after_commit")
WAITING = ("poll.before_commit", "poll.after_commit")
LOOKING = (
    "poll.before", "poll.after", "fetch.before", "fetch.after", "settle.before_commit", "settle.after_commit",
)  # fmt: skip
FINDING = ("reconcile.before_find", "reconcile.after_find")
DOUBTING = ("reconcile.before_commit", "reconcile.after_commit")
CANCELLING = ("cancel.before_commit", "cancel.after_commit")
STOPPING = ("cancel.before_send", "cancel.after_send")
EVERYWHERE = (*SENDING, *RECORDING, *WAITING, *LOOKING, *DOUBTING, *STOPPING)
# What a worker visits with jobs of a vendor. A short local run is recorded once, with its end, is never asked for by
# token, and is over before anybody can stop it; a blind vendor is not asked either.
POINTS = {
    "local": (*SENDING, *LOOKING, *DOUBTING),
    "braket": (*EVERYWHERE, *FINDING),
    "pasqal": (*EVERYWHERE, *FINDING),
    "quandela": EVERYWHERE,
}
BOTH = ("sqlite", "postgres")

# Every victim, every recovery class, both sides of every commit and of every word to a vendor: the most telling 24.
TELLING = [
    ("sqlite", Case(victim="gateway", point="gateway.received", vendor="braket")),
    ("sqlite", Case(victim="gateway", point="gateway.before_commit", vendor="braket")),
    ("sqlite", Case(victim="gateway", point="gateway.after_commit", vendor="braket")),
    ("sqlite", Case(victim="gateway", point="cancel.after_commit", vendor="pasqal")),
    ("sqlite", Case(victim="scan", point="claim.after_commit", vendor="pasqal")),
    ("sqlite", Case(victim="scan", point="submit.after_send", vendor="braket")),
    ("sqlite", Case(victim="scan", point="record.before_commit", vendor="quandela")),
    ("sqlite", Case(victim="scan", point="settle.before_commit", vendor="braket")),
    ("sqlite", Case(victim="child", point="submit.after_send", vendor="pasqal")),
    ("sqlite", Case(victim="listen", point="submit.before_send", vendor="local")),
    ("sqlite", Case(victim="local", point="poll.before", vendor="local")),
    ("sqlite", Case(victim="tree", point="submit.after_send", vendor="mixed")),
    ("postgres", Case(victim="gateway", point="gateway.after_commit", vendor="braket")),
    ("postgres", Case(victim="postgres", point="gateway.before_commit", vendor="braket")),
    ("postgres", Case(victim="postgres", point="record.before_commit", vendor="braket")),
    ("postgres", Case(victim="postgres", point="settle.after_commit", vendor="quandela")),
    ("postgres", Case(victim="redis", point="gateway.after_commit", vendor="local")),
    ("postgres", Case(victim="scan", point="poll.after", vendor="pasqal")),
    ("postgres", Case(victim="scan", point="reconcile.after_find", vendor="braket")),
    ("postgres", Case(victim="scan", point="reconcile.before_commit", vendor="pasqal")),
    ("postgres", Case(victim="scan", point="cancel.after_send", vendor="braket")),
    ("postgres", Case(victim="child", point="record.before_commit", vendor="braket")),
    ("postgres", Case(victim="child", point="fetch.after", vendor="quandela")),
    ("postgres", Case(victim="tree", point="gateway.after_commit", vendor="mixed")),
]


def every() -> list[tuple[str, Case]]:
    """All points, victims and databases; a server's death is tried at each point with one vendor in turn."""
    vendors = list(POINTS)
    cases = []
    for database in BOTH:
        servers = ("listen", "redis", "tree", "local", *(("postgres",) if database == "postgres" else ()))
        doors = [Case(victim=v, point=p, vendor="braket") for v in ("gateway", *servers[1:]) for p in GATEWAY]
        stops = [Case(victim=v, point=p, vendor="braket") for v in ("gateway", *servers[1:]) for p in CANCELLING]
        workers = [Case(victim=v, point=p, vendor=w) for v in ("scan", "child") for w in vendors for p in POINTS[w]]
        places = [(place, point) for place, point in enumerate((*EVERYWHERE, *FINDING))]
        others = []
        for shift, victim in enumerate(servers):
            for place, point in places:
                able = [w for w in vendors if point in POINTS[w]]
                vendor = (
                    "local" if victim == "local" and point in POINTS["local"] else able[(place + shift) % len(able)]
                )
                others.append(Case(victim=victim, point=point, vendor=vendor))
        cases += [(database, case) for case in (*doors, *stops, *workers, *others)]
    return [each for each in cases if each not in TELLING]


def params(cases):
    group = {database: pytest.mark.xdist_group(f"crash-{database}") for database in BOTH}
    return [pytest.param(database, case, id=f"{database}-{case}", marks=group[database]) for database, case in cases]


def test_there_are_24():
    assert len(TELLING) == len(set(TELLING)) == 24


@pytest.mark.parametrize(("database", "case"), params(TELLING))
def test_every_acknowledged_job_ends_exactly_once(hubs, database, case):
    states = play(hubs(database), case)
    assert len(states) >= 3


@pytest.mark.long
@pytest.mark.parametrize(("database", "case"), params(every()))
def test_every_acknowledged_job_ends_exactly_once_wherever_they_die(hubs, database, case):
    states = play(hubs(database), case)
    assert len(states) >= 3
