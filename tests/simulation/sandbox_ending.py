"""Does the vendor's own ledger agree at the end? A create for each job, at most one, and books for each charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Phase
from broker.domain.lifecycle import JobState
from broker.domain.recovery import Recovery
from tests.simulation import ending
from tests.simulation.checks import hold
from tests.simulation.scenery import price_of

if TYPE_CHECKING:
    from broker.domain.job import Job
    from tests.simulation.sandbox_site import Row
    from tests.simulation.sandboxed import Sandboxed
    from tests.simulation.world import World


def judge(world: World) -> None:
    """Raise if the ledger and the books differ; then judge as among fakes."""
    vendor: Sandboxed = world.vendor
    vendor.settle()
    if vendor.recovery is not Recovery.RERUN:
        for job in world.store.tables["jobs"].values():
            _creates(world, vendor, job)
        for row in vendor.ledger.values():
            _charge(row)
        _sum(world, vendor)
    ending.judge(world)


def _creates(world: World, vendor: Sandboxed, job: Job) -> None:
    """Whatever landed in time is one; and what we told a member has a create behind it."""
    tokens = {a.token for a in world.store.tables["attempts"].values() if a.job == job.id}
    mine = [row for row in vendor.ledger.values() if row.token in tokens]
    timely = [row.remote_id for row in mine if row.remote_id not in world.checks.beyond]
    hold(len(timely) <= 1, "3: double: the ledger has {} for {}", timely, job.id)
    own = [row for row in mine if row.remote_id == job.remote_id]
    told = job.state is JobState.SUCCEEDED or job.error_code == "run_failed"
    hold(own or not told, "3: {} is {} and the ledger has no create of it", job.id, job.state)


def _charge(row: Row) -> None:
    done = row.seen is Phase.DONE
    hold(bool(row.micros) == done, "13: unaccounted: {} is {} and costs {}", row.remote_id, row.seen, row.micros)


def _sum(world: World, vendor: Sandboxed) -> None:
    """The books owe all of the ledger's charges but those that an operator has still to decide on, or cannot see."""
    with world.store.read() as work:
        balances = work.ledger.balances()
    owed = -balances.get((f"vendor:{vendor.name}:payable", price_of(world.device).currency), 0)
    charged = sum(row.micros for row in vendor.ledger.values())
    open_ = sum(row.micros for row in vendor.ledger.values() if _undecided(world, vendor, row))
    hold(owed == charged - open_, "13: unaccounted: the ledger has charged {} ({} undecided), the books owe {}",
         charged, open_, owed)  # fmt: skip


def _undecided(world: World, vendor: Sandboxed, row: Row) -> bool:
    tables = world.store.tables
    noted = (vendor.name, row.remote_id) in tables["orphans"]
    if noted or any(job.remote_id == row.remote_id for job in tables["jobs"].values()):
        return False
    owner = next(a for a in tables["attempts"].values() if a.token == row.token)
    unseen = vendor.recovery is Recovery.BLIND and row.remote_id in world.checks.beyond
    return unseen or tables["jobs"][owner.job].state is JobState.ATTENTION
