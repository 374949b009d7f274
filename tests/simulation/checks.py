"""Does it hold? The invariants of design.md, after every commit, at every line of the vendor's ledger, and at the end.

The numbers in the messages are those of design.md, "Invariants"; "lost" and "unaccounted" are its promises in a word.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from backends.base import Phase
from broker.domain.lifecycle import NEXT, TERMINAL, JobState
from broker.domain.money import Money, convert
from broker.domain.price import Usage, charge
from broker.domain.recovery import Recovery
from broker.store.audit import Audit  # noqa: F401  the digest is the real one's, through the fake
from tests.simulation.fake_store import Transaction
from tests.simulation.plan import WINDOW
from tests.simulation.scenery import RATE, moment, price_of
from tests.simulation.stage import Violation

if TYPE_CHECKING:
    from broker.domain.attempt import Attempt
    from broker.domain.job import Job
    from tests.simulation.vendor import Accepted
    from tests.simulation.world import World


def hold(condition: object, text: str) -> None:
    """Raise unless the condition holds."""
    if not condition:
        raise Violation(text)


class Checks:
    """The judge of one schedule."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._beyond: set[str] = set()

    @property
    def beyond(self) -> int:
        """Vendor jobs that landed after the quiescence window."""
        return len(self._beyond)

    # -- every commit --------------------------------------------------------------------------------------------

    def step(self, tx: Transaction) -> None:
        """Judge a transaction just before it becomes visible."""
        for name, new in tx.rows.get("jobs", {}).items():
            old = tx.tables["jobs"].get(name)
            if old is not new:
                self._job(tx, old, new)
        for attempt in tx.rows.get("attempts", {}).values():
            self._attempt(tx, tx.tables["attempts"].get(attempt.id), attempt)
        sums: Counter[str] = Counter()
        for entry in tx.logs.get("entries", ()):
            sums[entry.currency] += entry.micros
        hold(not any(sums.values()), f"5: a transaction's entries sum to {dict(sums)}")
        if "budgets" in tx.rows:
            self._budgets(tx)

    def _job(self, tx: Transaction, old: Job | None, new: Job) -> None:
        state = None if old is None else old.state
        for _, event in [pair for pair in tx.logs.get("events", ()) if pair[1].job_id == new.id]:
            hold(event.before is state, f"8: {new.id} was {state}, the event says {event.before}")
            hold(state is None or event.after in NEXT[state], f"8: {state} to {event.after} is not listed")
            state = event.after
            self._world.say(f"{new.id[-6:]} {event.after.value}: {event.reason}")
        hold(state is new.state, f"8: {new.id} is {new.state} but its events end in {state}")
        live = new.state not in TERMINAL
        hold(live == (new.held.micros > 0), f"7: {new.state} with a hold of {new.held}")
        hold(not live or new.held == new.quoted, f"7: {new.state} holds {new.held} of {new.quoted}")
        hold(live == (new.due_at is not None), f"2: {new.state} is due at {new.due_at}")
        if old is not None:
            hold(new.fence >= old.fence, f"9: the fence of {new.id} went from {old.fence} to {new.fence}")
            hold(old.state not in TERMINAL, f"8: {new.id} was {old.state} and was written again")
        decided = old is not None and old.state is JobState.ATTENTION and new.state is not old.state
        asked = old is None or (new.cancel_requested and not old.cancel_requested)
        by_hand = decided and new.attempt and "operator" in self._world.stage.actor
        hold(not (asked or by_hand) or "audit" in tx.logs, f"12: nobody audited {new.id} becoming {new.state}")
        if new.state is JobState.SUCCEEDED:
            hold(tx.row("results", new.id) is not None, f"10: {new.id} succeeded without a result")
        if new.state is JobState.ATTENTION:
            self._world.operator.call(new.id)

    def _attempt(self, tx: Transaction, old: Attempt | None, new: Attempt) -> None:
        if old is None:
            others = [a for a in tx.all("attempts") if a.job == new.job and a.id != new.id]
            hold(all(a.end is not None for a in others), f"3: {new.job} began attempt {new.number} beside another")
            hold(new.remote_id is None, "the vendor's id was written before anything was sent")
            return
        changed = old.remote_id is not None and old.remote_id != new.remote_id
        hold(not changed, f"4: attempt {new.number} was {old.remote_id} and became {new.remote_id}")

    def _budgets(self, tx: Transaction) -> None:
        held: Counter[str] = Counter()
        spent: Counter[str] = Counter()
        for job in tx.all("jobs"):
            for budget in job.budgets:
                held[budget] += job.held.micros
                spent[budget] += 0 if job.charged is None else job.charged.micros
        for budget in tx.rows["budgets"].values():
            hold(budget.left is None or budget.left >= 0, f"6: {budget.id} is overspent")
            hold(budget.held == held[budget.id], f"7: {budget.id} holds {budget.held}, its jobs {held[budget.id]}")
            hold(budget.spent == spent[budget.id], f"13: {budget.id} spent {budget.spent}, its jobs {spent[budget.id]}")

    def idle(self, owner: str) -> None:
        """A worker whose tick is over holds nothing: another one may look when it is due."""
        for job in self._world.store.tables["jobs"].values():
            hold(job.lease_owner != owner or job.lease_until <= self._world.clock(),
                 f"2: {owner} kept its lease on {job.id}, {job.state}")  # fmt: skip

    # -- every line of the vendor's ledger -----------------------------------------------------------------------

    def created(self, line: Accepted) -> None:
        """Judge a create that the vendor has accepted."""
        world = self._world
        world.say(f"THE VENDOR ACCEPTS {line.remote_id} for {line.token[-6:]}")
        attempts = world.store.tables["attempts"]
        attempt = next((a for a in attempts.values() if a.token == line.token), None)
        if attempt is None:
            raise Violation(f"4: {line.remote_id} bears a token that nobody wrote down")
        if moment(line.accepted_at) >= attempt.intent_at + (moment(WINDOW) - moment(0)):
            self._beyond.add(line.remote_id)
        if world.plan.recovery is Recovery.RERUN:
            return
        mine = {a.token for a in attempts.values() if a.job == attempt.job}
        alive = [x for x in world.vendor.ledger.values() if x.token in mine and self._billable(x)]
        sound = [x for x in alive if x.remote_id not in self._beyond]
        exempt = len(alive) > len(sound) and world.plan.recovery in (Recovery.TAG, Recovery.BLIND)
        hold(len(alive) < 2 or exempt, f"3: double: {[x.remote_id for x in alive]} for {attempt.job}")

    def _billable(self, line: Accepted) -> bool:
        now = self._world.stage.now
        return line.phase(now) in (Phase.QUEUED, Phase.RUNNING, Phase.DONE) or self._world.vendor.charged(line) > 0

    # -- the end -------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Judge what is left when nothing happens any more."""
        store = self._world.store
        with store.read() as work:
            hold(not any(work.ledger.sums().values()), f"5: the journal sums to {work.ledger.sums()}")
            hold(work.audit.broken_at() is None, "12: the audit chain is broken")
            self._balances(work.ledger.balances())
        self._clients()
        for job in store.tables["jobs"].values():
            self._job_at_end(job)
        for line in self._world.vendor.ledger.values():
            self._line_at_end(line)

    def _balances(self, balances: dict[tuple[str, str], int]) -> None:
        jobs = self._world.store.tables["jobs"].values()
        held, spent = sum(j.held.micros for j in jobs), sum(j.charged.micros for j in jobs if j.charged is not None)
        hold(balances.get(("member:member:held", "KRW"), 0) == held, "7: the journal's holds are not the jobs'")
        hold(balances.get(("member:member:spent", "KRW"), 0) == spent, "13: the journal's charges are not the jobs'")
        vendor = self._world.vendor
        if vendor.recovery is Recovery.RERUN:
            return
        settled = {j.remote_id for j in jobs if j.state in TERMINAL}
        billed = sum(vendor.charged(line) for line in vendor.ledger.values() if line.remote_id in settled)
        owed = -balances.get((f"vendor:{vendor.name}:payable", "USD"), 0)
        hold(owed == billed, f"13: unaccounted: the vendor bills {billed} for settled jobs, the books owe {owed}")

    def _clients(self) -> None:
        jobs = Counter(job.idempotency_key for job in self._world.store.tables["jobs"].values())
        for client in self._world.clients:
            hold(not client.waits, f"1: {client.key} was never answered")
            hold(jobs[client.key] == (not client.refused), f"1: {client.key} has {jobs[client.key]} jobs")
            hold(client.refused or client.job in self._world.store.tables["jobs"], f"1: lost: {client.job}")

    def _job_at_end(self, job: Job) -> None:
        world = self._world
        if job.state is JobState.ATTENTION:
            may = world.plan.recovery is Recovery.BLIND or (
                world.plan.recovery is Recovery.TAG and not world.plan.may_resubmit
            )
            hold(may and not world.plan.operator, f"2: lost: {job.id} is left in attention")
            return
        hold(job.state in TERMINAL, f"2: lost: {job.id} is left {job.state}")
        hold(_JUSTIFIED[job.state](self, job), f"lost: {job.id} {job.state} ({job.error_code}) without a cause")
        hold(job.charged == self._due(job), f"13: {job.id} was charged {job.charged}, not {self._due(job)}")
        result = world.store.tables["results"].get(job.id)
        hold((result is not None) == (job.state is JobState.SUCCEEDED), f"10: {job.state} and its result disagree")
        if result is not None:
            hold(hashlib.sha256(result[1].encode()).hexdigest() == result[0], "10: the result is not what was hashed")

    def _due(self, job: Job) -> Money:
        vendor = self._world.vendor
        line = vendor.ledger.get(job.remote_id) if job.remote_id is not None else None
        nothing = Money(currency="KRW", micros=0)
        if line is None or (line.gone and job.state is not JobState.SUCCEEDED):
            return nothing
        if vendor.recovery is Recovery.RERUN:
            if job.state is not JobState.SUCCEEDED:
                return nothing if job.charged is None else job.charged
            usage = Usage(shots=line.shots, run_ms=line.manner.running // 1000)
            return min(charge(price_of(self._world.device), usage), job.quoted)
        return min(convert(Money(currency="USD", micros=vendor.charged(line)), RATE), job.quoted)

    def _done(self, job: Job) -> bool:
        line = self._world.vendor.ledger.get(job.remote_id or "")  # type: ignore[call-overload]
        return line is not None and line.phase(self._world.stage.now) is Phase.DONE

    def _failed(self, job: Job) -> bool:
        vendor, tokens = self._world.vendor, self._tokens(job)
        line = vendor.ledger.get(job.remote_id) if job.remote_id is not None else None
        if job.error_code == "program_invalid":
            return bool(tokens & vendor.refused)
        if job.error_code == "run_failed":
            return line is not None and line.manner.end is Phase.FAILED
        if job.error_code in ("lost_at_vendor", "result_lost"):
            return line is not None and line.gone and vendor.recovery is not Recovery.RERUN
        return job.error_code == "released" and job.id in self._world.operator.released

    def _cancelled(self, job: Job) -> bool:
        return job.cancel_requested

    def _expired(self, job: Job) -> bool:
        return job.deadline is not None and job.deadline <= job.updated_at

    def _tokens(self, job: Job) -> set[str]:
        return {a.token for a in self._world.store.tables["attempts"].values() if a.job == job.id}

    def _line_at_end(self, line: Accepted) -> None:
        world = self._world
        store, vendor = world.store, world.vendor
        if vendor.recovery is Recovery.RERUN:
            return
        job = next((j for j in store.tables["jobs"].values() if j.remote_id == line.remote_id), None)
        if job is not None:
            hold(job.state in TERMINAL or job.state is JobState.ATTENTION, "2: lost")
            hold(line.gone or not self._runs(line), f"cancelled here, {line.remote_id} still runs there")
            return
        owner = next((a for a in store.tables["attempts"].values() if a.token == line.token), None)
        state = None if owner is None else store.tables["jobs"][owner.job].state
        if state is JobState.ATTENTION or line.gone:
            return
        noted = (vendor.name, line.remote_id) in store.tables["orphans"]
        stopped = noted and (not self._runs(line) or not line.manner.cancels)
        unseen = vendor.recovery is Recovery.BLIND and line.remote_id in self._beyond
        hold(stopped or unseen, f"unaccounted: {line.remote_id} belongs to no job and no sweep found it")

    def _runs(self, line: Accepted) -> bool:
        return line.phase(self._world.stage.now) in (Phase.QUEUED, Phase.RUNNING)


_JUSTIFIED = {
    JobState.SUCCEEDED: Checks._done,
    JobState.FAILED: Checks._failed,
    JobState.CANCELLED: Checks._cancelled,
    JobState.EXPIRED: Checks._expired,
}
