"""How is a job admitted? Intake, decision and hold, then one durable commit for every submission that waits."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.bounded import Bounded
from broker.domain.budget import first_short, hold_entries
from broker.domain.errors import AccessRefused, BudgetExceeded, IdempotencyMismatch, NoDevice, QsubmitError
from broker.domain.fairshare import entry_cost
from broker.domain.ids import JobId, uuid7
from broker.domain.job import Job
from broker.domain.lifecycle import JobEvent, JobState, advance
from broker.services.tiers import Standings, counter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from broker.domain.budget import Budget, Entry
    from broker.domain.decision import Offer
    from broker.domain.device import Device
    from broker.domain.hub import Member
    from broker.domain.program import Program
    from broker.services.decide import Decided
    from broker.store.unit_of_work import Store, Work

KEPT = 20_000  # names of write-once rows that need not be written again
# Retention removes no program that a job used within a day (domain/retention.py), and memory must forget it sooner.
KEPT_FOR = timedelta(hours=1)
ENTROPY = 10  # bytes of a job's id; drawn once per group, because each draw is a system call


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """Everything about a job that is known before its hold; ``fingerprint`` is the hash of the request's body."""

    member: Member
    program: Program
    requirement_text: str
    decided: Decided
    shots: int
    points: tuple[Mapping[str, float], ...]
    name: str
    tags: tuple[str, ...]
    seed: int | None
    options: Mapping[str, str]
    deadline: datetime | None
    idempotency_key: str | None
    fingerprint: str
    trace: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """The job, its first moves, and whether it was there before (same key, same body)."""

    job: Job
    moves: tuple[JobEvent, ...]
    repeated: bool


def chosen_offer(decided: Decided, named: str | None) -> Offer:
    """The offer that was chosen.

    Raises:
        NoDevice: nobody offers; AccessRefused if the named device is closed to the hub.
    """
    decision = decided.decision
    for offer in decision.offers:
        if offer.device == decision.choice:
            return offer
    refusals = tuple((r.device, r.rule, r.reason) for r in decision.refusals)
    mine = next((r for r in decision.refusals if r.device == named), None)
    if mine is not None and mine.rule == "access":
        raise AccessRefused(mine.reason, refusals=refusals)
    raise NoDevice(decision.why if mine is None else f"{mine.device}: {mine.reason}", refusals=refusals)


# Over 40 lines: one field per line, and a split would hide one.
def new_job(
    submission: Submission, offer: Offer, device: Device, *, entropy: bytes, budgets: tuple[str, ...]
) -> tuple[Job, tuple[JobEvent, ...]]:
    """The job in ``queued`` with its two first moves; nothing is stored yet."""
    member, at = submission.member, submission.at
    job = Job(
        id=JobId(uuid7(at, entropy)),
        hub=member.hub,
        organisation=member.organisation,
        project=member.project,
        member=member.id,
        name=submission.name,
        tags=submission.tags,
        state=JobState.ACCEPTED,
        device=offer.device,
        backend=device.backend,
        program=submission.program.sha256,
        shots=submission.shots,
        points=submission.points,
        seed=submission.seed,
        options=submission.options,
        quoted=offer.cost,
        held=offer.cost,
        charged=None,
        price=offer.price,
        rate=offer.rate,
        decision=submission.decided.id,
        budgets=budgets,
        sandbox=offer.sandbox,
        idempotency_key=submission.idempotency_key,
        fingerprint=submission.fingerprint,
        created_at=at,
        updated_at=at,
        deadline=submission.deadline,
        due_at=at,
        lease_owner=None,
        lease_until=None,
        fence=0,
        attempt=0,
        remote_id=None,
        cancel_requested=False,
        error_code=None,
        error=None,
        run_ms=None,
        trace=submission.trace,
        turn=entry_cost(offer.cost.micros, offer.run_s),
    )
    accepted = JobEvent(job_id=job.id, before=None, after=JobState.ACCEPTED, at=at, reason="intake passed, money held")
    queued, move = advance(job, JobState.QUEUED, at=at, reason=submission.decided.decision.why)
    return queued, (accepted, move)


class Admission:
    """One group of submissions against the budgets as they stand; in memory, inside one transaction."""

    def __init__(
        self, budgets: dict[str, Budget], known: dict[tuple[str, str], Job], entropy: bytes, standings: Standings
    ) -> None:
        self._budgets = budgets
        self.standings = standings
        self._known = known
        self._entropy = entropy
        self.admitted: list[tuple[Job, Submission]] = []
        self.entries: list[Entry] = []
        self.held = dict.fromkeys(budgets, 0)

    def admit(self, submission: Submission) -> Admitted | QsubmitError:
        """Admit one, or say why not; a refusal leaves no trace."""
        key = (submission.member.project, submission.idempotency_key or "")
        known = self._known.get(key) if submission.idempotency_key else None
        if known is not None:
            return _repeat(known, submission)
        offer, device = submission.decided.chosen()
        if counter_of(submission.decided):
            held = self.standings.offer(submission.decided)
            if isinstance(held, QsubmitError):
                return held
            offer = held
        chain = [self._budgets[budget] for budget in submission.member.budgets if budget in self._budgets]
        short = first_short(chain, offer.cost, more=self.held)
        if short is not None:
            return _exceeded(short, offer, self.held[short.id])
        job, moves = new_job(
            submission, offer, device, entropy=self._next_entropy(), budgets=tuple(budget.id for budget in chain)
        )
        if counter_of(submission.decided):
            self.standings.take(job.id, submission.decided)
        for budget in chain:
            self.held[budget.id] += offer.cost.micros
        self.entries += hold_entries(job)
        self.admitted.append((job, submission))
        if submission.idempotency_key:
            self._known[key] = job
        return Admitted(job=job, moves=moves, repeated=False)

    def _next_entropy(self) -> bytes:
        taken, self._entropy = self._entropy[:ENTROPY], self._entropy[ENTROPY:]
        return taken


def _repeat(known: Job, submission: Submission) -> Admitted | QsubmitError:
    if known.fingerprint != submission.fingerprint:
        return IdempotencyMismatch("this Idempotency-Key was used with another body")
    return Admitted(job=known, moves=(), repeated=True)


def _exceeded(short: Budget, offer: Offer, more: int) -> BudgetExceeded:
    left = replace(offer.cost, micros=(short.left or 0) - more)
    return BudgetExceeded(f"the job may cost {offer.cost} and {short.owner} has {left} left", budget=short.id)


class Admitter:
    """Commits groups of submissions; remembers which write-once rows it has already stored."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._kept: Bounded[str, datetime] = Bounded(most=KEPT, most_bytes=0)

    def admit(self, group: Sequence[Submission]) -> list[Admitted | QsubmitError]:
        """Admit a group in one transaction: an answer for each, in order. Durable when it returns."""
        with self._store.write("gateway") as work:
            admission = self._open(work, group)
            answers = [admission.admit(submission) for submission in group]
            at = self._clock()
            new = self._write(work, admission, answers, at)
        self._remember(new, at)
        return answers

    def _open(self, work: Work, group: Sequence[Submission]) -> Admission:
        # A counter's row before any budget's, as at a settlement (settle.py).
        standings = Standings(work, [s.decided for s in group], self._clock())
        # The budget rows come first: they are what two gateways race for, and holding the project's row is also
        # what makes the look for a known Idempotency-Key safe.
        budgets = work.ledger.budgets({b for s in group for b in s.member.budgets}, lock=True)
        keys = [(s.member.project, s.idempotency_key) for s in group if s.idempotency_key]
        return Admission(budgets, work.jobs.by_keys(keys), secrets.token_bytes(ENTROPY * len(group)), standings)

    def _write(
        self, work: Work, admission: Admission, answers: Iterable[Admitted | QsubmitError], at: datetime
    ) -> Sequence[Submission]:
        fresh = [a for a in answers if isinstance(a, Admitted) and not a.repeated]
        if not fresh:
            return ()
        new = self._keep(work, [s for _, s in admission.admitted], at)
        work.jobs.add([a.job for a in fresh])
        work.ledger.adjust({budget: (held, 0) for budget, held in admission.held.items()})
        work.ledger.post(admission.entries, at)
        work.counters.hold(admission.standings.held)
        for answer in fresh:
            work.moved(answer.job, *answer.moves)
            work.ring(answer.job.backend)
        work.acted({"act": "admit", "jobs": [[a.job.id, a.job.member, a.job.held.micros] for a in fresh]}, at)
        return new

    def _keep(self, work: Work, admitted: Sequence[Submission], at: datetime) -> Sequence[Submission]:
        new = [s for s in admitted if not (self._there(s.program.sha256, at) and self._there(s.decided.id, at))]
        posted = {s.decided.posted.id: s.decided.posted for s in new if not self._there(s.decided.posted.id, at)}
        work.archive.keep_programs([(s.program, s.requirement_text) for s in new])
        work.archive.keep_snapshots([(name, each.pieces()) for name, each in posted.items()])
        work.archive.keep_decisions([(s.decided.id, s.decided.posted.id, s.decided.body) for s in new])
        return new

    def _there(self, name: str, at: datetime) -> bool:
        written = self._kept.get(name)
        return written is not None and at - written < KEPT_FOR

    def _remember(self, written: Iterable[Submission], at: datetime) -> None:
        for submission in written:
            for name in (submission.program.sha256, submission.decided.id, submission.decided.posted.id):
                self._kept.put(name, at)
