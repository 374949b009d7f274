"""How are schedules played against real sandboxes? Vendor by vendor, in processes with a sandbox of their own."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.simulation.hosted import Hosted, HostSite
from tests.simulation.mutants import MUTANTS
from tests.simulation.run import Tally, play_all
from tests.simulation.sandbox_ending import judge
from tests.simulation.sandbox_plan import PAIRS, VENDORS, at_random, exhaustive, plan_of
from tests.simulation.sandbox_site import Site
from tests.simulation.sandboxed import Sandboxed
from tests.simulation.scenery import Piece, piece_of
from tests.simulation.world import Scene, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.simulation.stage import Crew

PROGRAMS = Path(__file__).parents[2] / "seeds" / "programs"
PIECES = {
    "braket": (Format.OPENQASM2, "bell.qasm"),
    "pasqal": (Format.PULSER, "rabi.pulser.json"),
    "quandela": (Format.PERCEVAL, "hom.perceval.json"),
    "local": (Format.OPENQASM2, "bell.qasm"),
}
BROKEN = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nnosuchgate q[0];\nmeasure q->c;\n'
MOST = 60
SLOWEST_FIRST = ("pasqal", "braket", "quandela", "local")
NONE: Mapping[str, str] = MappingProxyType({})
Caught = "dict[str, tuple[str, str] | None]"

_sites: dict[str, Site | HostSite] = {}


@cache
def piece(vendor: str) -> Piece:
    """What every job of a vendor's schedules runs."""
    form, name = PIECES[vendor]
    program = Program.of(form, (PROGRAMS / name).read_text())
    return piece_of(program, inspect(program))


@cache
def broken() -> Piece:
    """A program that intake would have stopped, for a local run that fails."""
    return piece_of(Program.of(Format.OPENQASM2, BROKEN), piece("local").need)


def site_of(vendor: str) -> Site | HostSite:
    """This process's sandbox of a vendor, started and warm."""
    if vendor not in _sites:
        _sites[vendor] = HostSite() if vendor == "local" else Site(vendor)
        _sites[vendor].warm(piece(vendor), [f"{vendor}/{pair[0]}" for pair in PAIRS[vendor][:2]])
    return _sites[vendor]


def close_sites() -> None:
    """End what this process has started."""
    while _sites:
        _sites.popitem()[1].close()


def sandboxed_world(schedule: str, crew: Crew, *, traced: bool) -> World:
    """A schedule against a real adapter."""
    plan = plan_of(schedule)
    site = site_of(plan.vendor)
    first, second = (site.devices[name] for name in plan.pair)
    vendor = Hosted if plan.vendor == "local" else Sandboxed
    scene = Scene(
        piece=broken() if plan.vendor == "local" and plan.fails == 1.0 else piece(plan.vendor),
        devices=(first, second),
        vendor=lambda world: vendor(world, site, plan),
        judge=judge,
    )
    return World(plan, crew, scene, traced=traced)


def ids(vendor: str, count: int, seed: int = 0) -> list[str]:
    """The exhaustive schedules first, then random ones."""
    return list(islice(chain(exhaustive(vendor), at_random(vendor, seed)), count))


def simulate(count: int, *, seed: int, jobs: int) -> Tally:
    """Play ``count`` schedules, the same number for each vendor, on ``jobs`` processes."""
    total = Tally()
    shares = [ids(vendor, count // len(VENDORS), seed) for vendor in SLOWEST_FIRST]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for tally, _ in pool.map(examine, SLOWEST_FIRST, shares):
            total.add(tally)
    return total


def examine(vendor: str, schedules: Sequence[str], mistakes: Mapping[str, str] = NONE) -> tuple[Tally, Caught]:
    """Play one vendor's schedules in a process that has nothing else to do, then look for mistakes.

    ``mistakes`` says by a pattern of ids where each should be noticed first.
    """
    try:
        site_of(vendor)
        tally = play_all(schedules, sandboxed_world)
        return tally, {name: _caught(name, vendor, where) for name, where in mistakes.items()}
    finally:
        close_sites()


def _caught(name: str, vendor: str, where: str) -> tuple[str, str] | None:
    """The schedule that catches it and the broken invariant; None if it survives."""
    matching = [each for each in exhaustive(vendor) if re.fullmatch(f"{vendor}/{where}", each)]
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name].make(patch)
        for schedule in matching[:MOST]:
            tally = play_all([schedule], sandboxed_world)
            if tally.failures:
                return tally.failures[0]
    return None
