"""How many schedules hold? ``python -m tests.simulation.run --schedules N``, or ``--replay ID`` to read one.

With ``--sandboxes`` they are played against the real adapters and the vendors' sandboxes, whose libraries are only
imported then.
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from broker.crash import POINTS
from broker.domain.recovery import Recovery
from tests.simulation.plan import exhaustive
from tests.simulation.sandbox_plan import VENDORS
from tests.simulation.stage import Crew
from tests.simulation.world import fake_world, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.simulation.world import Report, World

CHUNK = 400
SHOWN = 20
PROGRESS = 100_000


@dataclass(kw_only=True)
class Tally:
    """What many schedules showed together."""

    schedules: int = 0
    cpu_s: float = 0.0
    beyond: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashes: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.cpu_s += other.cpu_s
        self.beyond += other.beyond
        self.failures += other.failures
        self.visits.update(other.visits)
        self.crashes.update(other.crashes)
        self.ends.update(other.ends)


_crew: list[Crew] = []


def crew() -> Crew:
    """The threads of this process."""
    if not _crew:
        _crew.append(Crew())
    return _crew[0]


def play_all(schedules: Sequence[str], world_of: Callable[..., World] = fake_world) -> Tally:
    """Play schedules one after the other in this process."""
    tally, began = Tally(), time.process_time()
    logging.disable(logging.CRITICAL)
    for schedule in schedules:
        _count(tally, play(schedule, crew(), world_of=world_of))
    logging.disable(logging.NOTSET)
    tally.cpu_s = time.process_time() - began
    return tally


def _count(tally: Tally, report: Report) -> None:
    tally.schedules += 1
    tally.beyond += report.beyond
    counts: tuple[tuple[Counter[Any], Counter[Any]], ...] = (
        (tally.visits, report.visits),
        (tally.crashes, report.crashes),
        (tally.ends, report.ends),
    )
    for count, more in counts:
        for name, number in more.items():
            count[name] += number
    if report.failure is not None:
        tally.failures.append((report.id, report.failure))


def ids(count: int, seed: int) -> Iterator[str]:
    """The exhaustive schedules, or as many of them spread evenly, then random ones; seeds do not overlap."""
    listed = list(exhaustive())
    chosen = listed[:: max(1, -(-len(listed) // count))]
    yield from chosen
    yield from (f"random/{seed * 1_000_000_000 + number}" for number in range(count - len(chosen)))


def _chunks(schedules: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(schedules)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def simulate(count: int, *, seed: int, jobs: int) -> Tally:
    """Play ``count`` schedules on ``jobs`` processes."""
    total = Tally()
    if jobs < 2:
        for chunk in _chunks(ids(count, seed)):
            total.add(play_all(chunk))
        return total
    # Threads of the parent are not in a forked child; spawn starts clean.
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=gc.freeze) as pool:
        for tally in pool.imap_unordered(play_all, _chunks(ids(count, seed))):
            before = total.schedules
            total.add(tally)
            for schedule, failure in tally.failures[: max(0, SHOWN - len(total.failures) + len(tally.failures))]:
                print(f"{schedule}: {failure.splitlines()[-1]}", file=sys.stderr, flush=True)
            if total.schedules // PROGRESS > before // PROGRESS:
                print(f"{total.schedules:,} of {count:,}, {len(total.failures)} failed", file=sys.stderr, flush=True)
    return total


def show(total: Tally, seconds: float) -> None:
    """Print what was found."""
    print(f"{'crash point':<24}" + "".join(f"{each.value:>18}" for each in Recovery) + "   (crashes/visits)")
    for point in POINTS:
        cells = (f"{total.crashes[point, r.value]}/{total.visits[point, r.value]}" for r in Recovery)
        print(f"{point:<24}" + "".join(f"{cell:>18}" for cell in cells))
    print("ends: " + ", ".join(f"{end} {count}" for end, count in sorted(total.ends.items())))
    kinds = Counter(_kind(failure) for _, failure in total.failures)
    print(f"schedules {total.schedules}  seconds {seconds:.1f}  schedules/s {total.schedules / seconds:.0f}  "
          f"ms of CPU each {1000 * total.cpu_s / max(total.schedules, 1):.2f}")  # fmt: skip
    print(f"landed after the quiescence window {total.beyond} (each found and cancelled, or adopted)")
    print("  ".join(f"{kind} {kinds[kind]}" for kind in ("lost", "double", "unaccounted", "other")))


def _kind(failure: str) -> str:
    return next((kind for kind in ("double", "unaccounted", "lost") if kind in failure), "other")


def replay(schedule: str) -> int:
    """Print one schedule step by step."""
    logging.disable(logging.CRITICAL)
    if schedule.partition("/")[0] in VENDORS:
        from tests.simulation.sandbox_run import close_sites, sandboxed_world

        report = play(schedule, crew(), traced=True, world_of=sandboxed_world)
        close_sites()
    else:
        report = play(schedule, crew(), traced=True)
    print("\n".join(report.trace))
    print(f"{schedule}: {report.failure or 'holds'}")
    return 0 if report.failure is None else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--replay", metavar="ID")
    parser.add_argument("--sandboxes", action="store_true", help="real adapters and sandboxes in place of fakes")
    options = parser.parse_args(arguments)
    if options.replay is not None:
        return replay(options.replay)
    began = time.monotonic()
    if options.sandboxes:
        from tests.simulation import sandbox_run

        total = sandbox_run.simulate(options.schedules, seed=options.seed, jobs=options.jobs)
    else:
        total = simulate(options.schedules, seed=options.seed, jobs=options.jobs)
    show(total, time.monotonic() - began)
    for schedule, failure in total.failures[:SHOWN]:
        print(f"FAILED  {failure.splitlines()[-1]}\n        python -m tests.simulation.run --replay {schedule}")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
