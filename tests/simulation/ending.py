"""Does it hold at the end? Nothing lost, nothing double, nothing unaccounted, and every end has its cause.

The oracle is the vendor's own ledger, never our tables.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from backends.base import Phase
from broker.domain.attempt import AttemptEnd
from broker.domain.budget import LOSS
from broker.domain.lifecycle import TERMINAL, JobState
from broker.domain.money import Money, most_within
from broker.domain.recovery import Recovery
from broker.services.worn import MOST_LOST, TOO_MANY
from tests.simulation.checks import hold
from tests.simulation.scenery import RATES, at_worst, first_quote, in_won, price_of
from tests.simulation.vendor import GAP

if TYPE_CHECKING:
    from broker.domain.job import Job
    from tests.simulation.treatment import Accepted
    from tests.simulation.world import World

# The member gets nothing for these and pays nothing; what the vendor bills is the platform's.
FORGOTTEN = frozenset({"lost_at_vendor", "result_lost"})
REFUSED = frozenset({"program_invalid", "backend_refused", "device_retired", "no_credit", "limit_exceeded", "memory"})
RUNS = frozenset({Phase.QUEUED, Phase.RUNNING})
NOTHING = Money(currency="KRW", micros=0)


def judge(world: World) -> None:
    """Raise if something is wrong when nothing happens any more."""
    _books(world)
    _clients(world)
    for job in world.store.tables["jobs"].values():
        _job(world, job)
    if world.plan.recovery is not Recovery.RERUN:
        for line in world.vendor.ledger.values():
            _line(world, line)


def _books(world: World) -> None:
    with world.store.read() as work:
        sums, broken, balances = work.ledger.sums(), work.audit.broken_at(), work.ledger.balances()
    hold(not any(sums.values()), "5: the journal sums to {}", sums)
    hold(broken is None, "12: the audit chain is broken at {}", broken)
    jobs = world.store.tables["jobs"].values()
    held = sum(job.held.micros for job in jobs)
    spent = sum(job.charged.micros for job in jobs if job.charged is not None)
    hold(balances.get(("member:member:held", "KRW"), 0) == held, "7: the journal's holds are not the jobs'")
    hold(balances.get(("member:member:spent", "KRW"), 0) == spent, "13: the journal's charges are not the jobs'")
    vendor = world.vendor
    if vendor.recovery is Recovery.RERUN:
        return
    settled = {job.remote_id for job in jobs if job.state in TERMINAL and job.error_code not in FORGOTTEN}
    billed = sum(vendor.bill(line).micros for line in vendor.ledger.values() if line.remote_id in settled)
    lost = sum(_orphan_cost(world, line) for line in vendor.ledger.values())
    currency = price_of(world.device).currency
    for_nothing = sum(_for_nothing(world, job) for job in jobs if job.error_code in FORGOTTEN)
    owed = -balances.get((f"vendor:{vendor.name}:payable", currency), 0)
    hold(owed == billed + for_nothing + lost, "13: unaccounted: the vendor bills {} + {} + {}, the books owe {}",
         billed, for_nothing, lost, owed)  # fmt: skip
    booked = balances.get((LOSS, currency), 0)
    hold(booked == lost, "13: unaccounted: the orphans cost {}, the platform bears {}", lost, booked)


def _orphan_cost(world: World, line: Accepted) -> int:
    """What the vendor bills for an orphan; of one that it forgot later, what it said at the time."""
    noted = world.store.tables["orphans"].get((world.vendor.name, line.remote_id))
    if noted is None:
        return 0
    hold(noted[1] is not None, "13: unaccounted: the orphan {} is never booked", line.remote_id)
    if line.gone:
        return int(noted[1])
    untold = line.phase(world.stage.now) is Phase.DONE and world.vendor.without_result(line)
    if untold and not world.vendor.told(line):
        return at_worst(world.devices[line.device], world.piece, line.shots).micros
    return world.vendor.bill(line).micros


def _for_nothing(world: World, job: Job) -> int:
    """What the vendor bills for a run that gave its member nothing: at worst what was quoted, if it does not say."""
    line, seen = _own(world, job), {e.after for _, e in world.store.logs["events"] if e.job_id == job.id}
    if line is None or not seen & {JobState.RUNNING, JobState.FETCHING}:
        return 0
    if JobState.FETCHING in seen and world.vendor.told(line):
        return world.vendor.bill(line).micros
    currency = price_of(world.devices[job.device]).currency
    return job.quoted.micros if currency == job.quoted.currency else most_within(job.quoted, RATES[currency]).micros


def _clients(world: World) -> None:
    jobs = world.store.tables["jobs"]
    made = Counter(job.idempotency_key for job in jobs.values())
    for client in world.clients:
        hold(not client.waits, "1: {} was never answered", client.key)
        hold(made[client.key] == (not client.refused), "1: {} has {} jobs", client.key, made[client.key])
        hold(client.refused or client.job in jobs, "1: lost: {} of {}", client.job, client.key)


def _job(world: World, job: Job) -> None:
    if job.state is JobState.ATTENTION:
        recovery, plan = world.plan.recovery, world.plan
        may = recovery is Recovery.BLIND or (recovery is Recovery.TAG and not plan.may_resubmit)
        hold(may and not plan.operator, "2: lost: {} is left in attention", job.id)
        hold(not _witnessed(world, job), "2: {} is left in attention, but a worker was told its id", job.id)
        return
    hold(job.state in TERMINAL, "2: lost: {} is left {}", job.id, job.state)
    hold(_CAUSE[job.state](world, job), "lost: {} {} ({}) without a cause", job.id, job.state, job.error_code)
    agreed = max(first_quote(world.device, world.piece, job.shots), world.plan.most or 0)
    hold(job.quoted.micros <= agreed, "13: {} is quoted {}, {} was agreed", job.id, job.quoted, agreed)
    due = _due(world, job)
    hold(job.charged == due, "13: {} was charged {!r}, not {!r}", job.id, job.charged, due)
    result = world.store.tables["results"].get(job.id)
    hold((result is not None) == (job.state is JobState.SUCCEEDED), "10: {} and its result disagree", job.state)
    if result is not None:
        seen = hashlib.sha256(result[1].encode()).hexdigest()
        hold(seen == result[0], "10: the result of {} is not what was hashed", job.id)


def _witnessed(world: World, job: Job) -> bool:
    """Whether a worker that lived on, and could write, heard of the vendor's job."""
    tokens = {a.token for a in world.store.tables["attempts"].values() if a.job == job.id}
    heard = any(line.token in tokens and line.remote_id in world.vendor.heard for line in world.vendor.ledger.values())
    return heard and not world.crashes and not world.failed_ticks


def _own(world: World, job: Job) -> Accepted | None:
    return None if job.remote_id is None else world.vendor.ledger.get(job.remote_id)


def _due(world: World, job: Job) -> Money:
    line, vendor = _own(world, job), world.vendor
    if line is None or job.error_code in FORGOTTEN:
        return NOTHING
    if vendor.recovery is Recovery.RERUN and job.state is not JobState.SUCCEEDED:
        return NOTHING if job.charged is None else job.charged
    return min(in_won(vendor.bill(line)), job.quoted)


def _succeeded(world: World, job: Job) -> bool:
    line = _own(world, job)
    return line is not None and line.phase(world.stage.now) is Phase.DONE


def _failed(world: World, job: Job) -> bool:
    line = _own(world, job)
    if job.error_code in REFUSED:
        tokens = {a.token for a in world.store.tables["attempts"].values() if a.job == job.id}
        return bool(tokens & world.vendor.refused)
    if job.error_code == "run_failed":
        return line is not None and line.phase(world.stage.now) is Phase.FAILED
    if job.error_code in FORGOTTEN:
        lost = line is not None and (line.gone or world.vendor.without_result(line))
        return lost and (world.plan.recovery is not Recovery.RERUN or not line.gone)
    if job.error_code == TOO_MANY:
        ends = [a.end for a in world.store.tables["attempts"].values() if a.job == job.id]
        return ends.count(AttemptEnd.LOST) + ends.count(AttemptEnd.ABSENT) >= MOST_LOST
    return job.error_code == "released" and job.id in world.operator.released


def _cancelled(world: World, job: Job) -> bool:
    return job.cancel_requested and not _hasty(world, job)


def _expired(world: World, job: Job) -> bool:
    return job.deadline is not None and job.deadline <= job.updated_at and not _hasty(world, job)


def _hasty(world: World, job: Job) -> bool:
    """Whether it was ended as absent though the vendor had it in time, and listed it in time."""
    attempts = [a for a in world.store.tables["attempts"].values() if a.job == job.id and a.end is AttemptEnd.ABSENT]
    tokens = {a.token for a in attempts}
    lines = [line for line in world.vendor.ledger.values() if line.token in tokens and not line.gone]
    timely = [line for line in lines if line.remote_id not in world.checks.beyond]
    return any(line.listed_at - line.accepted_at < GAP for line in timely)


def _line(world: World, line: Accepted) -> None:
    """Every line of the vendor's ledger is a job's, or an orphan that the sweep has found and stopped."""
    tables, runs = world.store.tables, line.phase(world.stage.now) in RUNS and not line.gone
    if any(job.remote_id == line.remote_id for job in tables["jobs"].values()):
        hold(not runs, "unaccounted: {} has ended here and still runs there", line.remote_id)
        return
    owner = next(a for a in tables["attempts"].values() if a.token == line.token)
    if line.gone or tables["jobs"][owner.job].state is JobState.ATTENTION:
        return
    noted = (world.vendor.name, line.remote_id) in tables["orphans"]
    unseen = world.plan.recovery is Recovery.BLIND and line.remote_id in world.checks.beyond
    hold(noted or unseen, "unaccounted: {} belongs to no job and no sweep found it", line.remote_id)
    hold(not runs or unseen or not line.cancels, "unaccounted: orphan {} still runs", line.remote_id)


_CAUSE = {
    JobState.SUCCEEDED: _succeeded,
    JobState.FAILED: _failed,
    JobState.CANCELLED: _cancelled,
    JobState.EXPIRED: _expired,
}
