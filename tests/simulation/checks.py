"""Does it hold at every step? The invariants of docs/architecture.md, after every commit and every line of a ledger.

The numbers in the messages are those of its last section.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from broker.domain.attempt import GIVEN_UP, AttemptEnd
from broker.domain.lifecycle import AT_VENDOR, NEXT, TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.domain.terms import Terms
from tests.simulation.plan import WINDOW
from tests.simulation.scenery import moment
from tests.simulation.stage import Violation
from tests.simulation.treatment import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.domain.attempt import Attempt
    from broker.domain.ids import RemoteId
    from broker.domain.job import Job
    from tests.simulation.fake_store import Transaction
    from tests.simulation.treatment import Accepted
    from tests.simulation.world import World

# What passes between the last question and the request: a statement that others may interrupt.
MOMENT = SECOND // 20
# The promises of production; a mutant that stretches its own terms is judged by these.
TERMS = Terms()
QUIET = moment(WINDOW) - moment(0)


def hold(condition: object, text: str, *values: object) -> None:
    """Raise unless the condition holds; the message is only made then."""
    if not condition:
        raise Violation(text.format(*values))


class Checks:
    """The judge of one schedule, while it is played."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.beyond: set[str] = set()
        self.cancelled: dict[str, int] = {}
        self._paused: dict[str, int] = {}

    # -- every commit --------------------------------------------------------------------------------------------

    def step(self, tx: Transaction) -> None:
        """Judge a transaction just before it becomes visible."""
        for name, new in tx.rows.get("jobs", {}).items():
            old = tx.tables["jobs"].get(name)
            if old is not new:
                self._job(tx, old, new)
        for attempt in tx.rows.get("attempts", {}).values():
            self._attempt(tx, tx.tables["attempts"].get(attempt.id), attempt)
        if "entries" in tx.logs:
            sums: Counter[str] = Counter()
            for entry in tx.logs["entries"]:
                sums[entry.currency] += entry.micros
            hold(not any(sums.values()), "5: a transaction's entries sum to {}", sums)
        if "budgets" in tx.rows:
            self._budgets(tx)
        for scope in tx.rows.get("pauses", ()):
            self._paused[scope] = self._world.stage.now

    def _job(self, tx: Transaction, old: Job | None, new: Job) -> None:
        self._moves(tx, old, new)
        if new.cancel_requested and new.id not in self.cancelled:
            self.cancelled[new.id] = self._world.stage.now
        live = new.state not in TERMINAL
        hold(live == (new.held.micros > 0), "7: {} with a hold of {}", new.state, new.held)
        hold(not live or new.held == new.quoted, "7: {} holds {} of {}", new.state, new.held, new.quoted)
        hold(live == (new.due_at is not None), "2: {} is due at {}", new.state, new.due_at)
        if old is not None:
            hold(new.fence >= old.fence, "9: the fence of {} went from {} to {}", new.id, old.fence, new.fence)
            hold(old.state not in TERMINAL, "8: {} was {} and was written again", new.id, old.state)
        hold(new.state is not JobState.QUEUED or new.host is None, "15: {} waits and is bound to a host", new.id)
        if old is not None and new.state is JobState.QUEUED:
            self._repeated(old)
        if new.state is JobState.SUCCEEDED:
            hold(tx.row("results", new.id) is not None, "10: {} succeeded without a result", new.id)
        if new.state is JobState.ATTENTION:
            self._world.operator.call(new.id)
        hold("audit" in tx.logs or not self._audited(old, new), "12: nobody audited {} becoming {}", new.id, new.state)

    def _repeated(self, old: Job) -> None:
        """Only what is lost is run again: its host has forgotten it, or was silent for so long that it seemed dead."""
        line = None if old.remote_id is None else self._world.vendor.ledger.get(old.remote_id)
        if old.state not in AT_VENDOR or old.host is None or line is None:
            return
        lost = line.gone or line.manner.result != "kept" or self._world.machines[old.host].silent
        hold(lost, "15: the run of {} on {}, which lives, is repeated", old.id, old.host)

    def asked_of(self, host: str, remote_ids: Sequence[RemoteId]) -> None:
        """A host is only asked for what it runs itself."""
        for remote_id in remote_ids:
            line = self._world.vendor.ledger.get(remote_id)
            owner = None if line is None else self.host_of(line.token)
            hold(owner == host, "15: {} was asked for {}, which {} runs", host, remote_id, owner)

    def host_of(self, token: str) -> str | None:
        return self._attempt_of(token).host

    def _moves(self, tx: Transaction, old: Job | None, new: Job) -> None:
        state = None if old is None else old.state
        for _, event in tx.logs.get("events", ()):
            if event.job_id != new.id:
                continue
            hold(event.before is state, "8: {} was {}, the event says {}", new.id, state, event.before)
            hold(state is None or event.after in NEXT[state], "8: {} to {} is not listed", state, event.after)
            state = event.after
            if self._world.traced:
                self._world.say(f"{new.id[-6:]} {event.after.value}: {event.reason}")
        hold(state is new.state, "8: {} is {} but its events end in {}", new.id, new.state, state)

    def _audited(self, old: Job | None, new: Job) -> bool:
        if old is None or (new.cancel_requested and not old.cancel_requested):
            return True
        return old.state is not new.state and old.state is JobState.ATTENTION and self._world.stage.actor == "operator"

    def _attempt(self, tx: Transaction, old: Attempt | None, new: Attempt) -> None:
        if old is None:
            others = [a for a in tx.all("attempts") if a.job == new.job and a.id != new.id]
            hold(all(a.end for a in others), "3: {} began attempt {} beside another", new.job, new.number)
            denied = self._world.plan.recovery is Recovery.TAG and not self._world.plan.may_resubmit
            hold(
                not (denied and any(a.end is AttemptEnd.ABSENT for a in others)), "{} is sent again, forbidden", new.job
            )
            hold(new.remote_id is None, "4: {} bears a vendor's id before anything was sent", new.id)
            return
        changed = old.remote_id is not None and old.remote_id != new.remote_id
        hold(not changed, "4: attempt {} was {} and became {}", new.number, old.remote_id, new.remote_id)

    def _budgets(self, tx: Transaction) -> None:
        held: Counter[str] = Counter()
        spent: Counter[str] = Counter()
        for job in tx.all("jobs"):
            charged = 0 if job.charged is None else job.charged.micros
            for budget in job.budgets:
                held[budget] += job.held.micros
                spent[budget] += charged
        for name, budget in tx.rows["budgets"].items():
            hold(budget.left is None or budget.left >= 0, "6: {} is overspent", name)
            hold(budget.held == held[name], "7: {} holds {}, its jobs {}", name, budget.held, held[name])
            hold(budget.spent == spent[name], "13: {} has spent {}, its jobs {}", name, budget.spent, spent[name])

    def idle(self, owner: str) -> None:
        """A worker whose tick is over holds nothing: whoever is free looks when the job is due."""
        for job in self._world.store.tables["jobs"].values():
            kept = job.lease_owner == owner and job.lease_until > self._world.clock()
            hold(not kept, "2: {} kept its lease on {}, {}", owner, job.id, job.state)

    # -- every line of the vendor's ledger -----------------------------------------------------------------------

    def wanted(self, token: str) -> None:
        """Judge a create that is about to be sent: its job is wanted, in time, and nothing is paused."""
        tables, just_now = self._world.store.tables, self._world.stage.now - MOMENT
        for attempt in tables["attempts"].values():
            if attempt.token != token:
                continue
            job = tables["jobs"][attempt.job]
            since = self.cancelled.get(job.id)
            hold(since is None or since >= just_now, "14: {} is sent although it was cancelled", job.id)
            late = job.deadline is not None and job.deadline < moment(just_now)
            hold(not late, "14: {} is sent after its deadline", job.id)
            for scope in (attempt.device, attempt.backend):
                row = tables["pauses"].get(scope)
                paused = row is not None and row[2] > self._world.clock() and self._paused[scope] < just_now
                hold(not paused, "14: {} is sent to {}, which is paused", job.id, scope)

    def sending(self, token: str) -> None:
        """Judge a create that is about to be sent: it must be over before anybody else may act on its job."""
        attempt = self._attempt_of(token)
        if self._world.plan.recovery is not Recovery.RERUN:  # many go in one call there, and cost nothing
            self.wanted(token)
        if self._world.plan.recovery in (Recovery.TOKEN, Recovery.RERUN):
            return
        latest = attempt.intent_at + TERMS.lease - 2 * TERMS.send_timeout
        hold(self._world.clock() <= latest, "3: {} was sent when its lease was nearly over", attempt.job)

    def created(self, line: Accepted) -> None:
        """Judge a create that the vendor has accepted."""
        world = self._world
        if world.traced:
            world.say(f"THE VENDOR ACCEPTS {line.remote_id} for {line.token[-6:]}")
        attempt = self._attempt_of(line.token)
        if moment(line.accepted_at) >= attempt.intent_at + QUIET:
            self.beyond.add(line.remote_id)
        if world.plan.recovery is Recovery.RERUN:
            return
        mine = {a.token for a in world.store.tables["attempts"].values() if a.job == attempt.job}
        alive = world.vendor.alive(mine)
        hold(len(alive) < 2 or self._is_excused(alive), "3: double: {} for {}", alive, attempt.job)

    def _is_excused(self, alive: Sequence[RemoteId]) -> bool:
        """After the window anything may land; a token that is still in use brings the job that it has."""
        late = [remote_id for remote_id in alive if remote_id in self.beyond]
        if self._world.plan.recovery is not Recovery.TOKEN:
            return bool(late)
        ledger = self._world.vendor.ledger
        return any(self._attempt_of(ledger[remote_id].token).end in GIVEN_UP for remote_id in late)

    def _attempt_of(self, token: str) -> Attempt:
        for attempt in self._world.store.tables["attempts"].values():
            if attempt.token == token:
                return attempt  # type: ignore[no-any-return]
        raise Violation(f"4: {token} was sent before anybody wrote it down")
