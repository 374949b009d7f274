"""Would the simulation notice? Known ways to get the protocol wrong, each a patch of the real code (or of the store).

A mutant that no schedule catches means that the simulation proves nothing about the line which it changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest import MonkeyPatch

from backends.errors import OutcomeUnknown, Refused
from broker.domain import change, recovery
from broker.domain.attempt import AttemptEnd
from broker.domain.budget import Entry
from broker.domain.change import Change, free, move, unsent
from broker.domain.lifecycle import JobState
from broker.domain.money import Money
from broker.domain.recovery import Act, Quiescence, Verdict
from broker.services import apply as applying
from broker.services import attend, cancel, settle
from broker.services import claim as claiming
from broker.store.unit_of_work import Work
from tests.simulation import actors, fake_books, fake_jobs
from tests.simulation.plan import exhaustive
from tests.simulation.run import play_all
from workers import drive, look, reconcile, rounds
from workers import send as sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST = 4000
CHUNK = 50


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake: how to make it, and the schedules to look at first (a pattern on their ids)."""

    name: str
    make: Callable[[MonkeyPatch], None]
    where: str


_all: dict[str, Mutant] = {}


def _mutant(where: str) -> Callable[[Callable[[MonkeyPatch], None]], None]:
    def add(make: Callable[[MonkeyPatch], None]) -> None:
        _all[make.__name__] = Mutant(name=make.__name__, make=make, where=where)

    return add


def mutants() -> dict[str, Mutant]:
    """All mutants by name."""
    return dict(_all)


def caught(mutant: Mutant, *, most: int = MOST) -> tuple[int, str, str] | None:
    """How many schedules it took, the id that catches it and the broken invariant; None if it survives."""
    with MonkeyPatch.context() as patch:
        mutant.make(patch)
        played, rest = 0, islice(_schedules(mutant.where), most)
        while chunk := list(islice(rest, CHUNK)):
            tally = play_all(chunk)
            played += len(chunk)
            if tally.failures:
                return played, *tally.failures[0]
    return None


def _schedules(where: str) -> Iterator[str]:
    """Random ones for ``random``; else the matching exhaustive ones, in strides, so that all kinds come early."""
    if where == "random":
        yield from (f"random/{number}" for number in range(MOST))
        return
    matching = [name for name in exhaustive() if re.match(where, name)]
    for start in range(17):
        yield from matching[start::17]


# -- sending and finding out ---------------------------------------------------------------------------------------


@_mutant("tag/.*/(lost|error_after|late_in)/")
def list_is_skipped_before_requeue(patch: MonkeyPatch) -> None:
    patch.setattr(reconcile, "_look", lambda *_: ())


@_mutant("token/.*/(lost|error_after)/")
def token_is_fresh_on_resend(patch: MonkeyPatch) -> None:
    real = reconcile._resend

    def resend(start: Change, doubt: Any, backend: Any, order: Any, **rest: Any) -> Change:
        return real(start, doubt, backend, replace(order, token=order.token + "-again"), **rest)

    patch.setattr(reconcile, "_resend", resend)


@_mutant("token/.*/(lost|error_after)/")
def token_class_is_requeued_instead_of_resent(patch: MonkeyPatch) -> None:
    patch.setattr(recovery, "Act", _acts(RESEND=Act.REQUEUE))


@_mutant("blind/.*/lost/")
def blind_is_requeued(patch: MonkeyPatch) -> None:
    real = recovery.verdict

    def verdict(*args: Any, **rest: Any) -> Verdict:
        found = real(*args, **rest)
        return replace(found, act=Act.REQUEUE) if found.act is Act.ATTEND else found

    patch.setattr(reconcile, "verdict", verdict)


@_mutant("tag/.*/ok/(lost|twice)/.*submit")
def every_dead_lease_is_requeued(patch: MonkeyPatch) -> None:
    patch.setattr(reconcile, "verdict", lambda *_, **__: Verdict(act=Act.REQUEUE, reason="the worker is gone"))


@_mutant("(tag|blind)/.*/lost/")
def timeout_is_taken_for_unsent(patch: MonkeyPatch) -> None:
    real = sending.reaction

    def reaction(each: Any, reply: Any, **rest: Any) -> Change:
        if isinstance(reply, OutcomeUnknown):
            return unsent(each.job, each.attempt, at=rest["at"], again_at=rest["at"], reason="timed out")
        return real(each, reply, **rest)

    patch.setattr(drive, "reaction", reaction)


@_mutant("(token|tag|blind)/.*/error_after/")
def server_error_is_taken_for_a_refusal(patch: MonkeyPatch) -> None:
    real = sending.reaction

    def reaction(each: Any, reply: Any, **rest: Any) -> Change:
        return real(each, Refused("502") if isinstance(reply, OutcomeUnknown) else reply, **rest)

    patch.setattr(drive, "reaction", reaction)


@_mutant("token/.*/refused/.*(submit|record)")
def refused_resend_is_tried_for_ever(patch: MonkeyPatch) -> None:
    def refused(start: Change, attempt: Any, error: Any, *, at: Any, terms: Any) -> Change:
        return reconcile._later(start, attempt, at + terms.send_timeout, str(error))

    patch.setattr(reconcile, "_refused", refused)


@_mutant("tag/.*/late_in/")
def quiescence_is_too_short(patch: MonkeyPatch) -> None:
    short = Quiescence(window=timedelta(minutes=2))
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=short))


@_mutant("tag/.*/late_in/")
def one_look_is_enough(patch: MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=Quiescence(looks=1)))


@_mutant("tag/.*/late_in/")
def two_looks_without_a_gap(patch: MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=Quiescence(gap=timedelta(seconds=1))))


@_mutant("tag/.*/(reset_before|ok)/.*submit")
def resubmission_against_the_projects_will(patch: MonkeyPatch) -> None:
    patch.setattr(fake_books.People, "may_resubmit", lambda _, projects: frozenset(projects))


@_mutant("random")
def lease_is_not_looked_at_before_each_send(patch: MonkeyPatch) -> None:
    patch.setattr(sending, "fresh_enough", lambda *_: True)


@_mutant("(token|tag|blind)/.*/ok/.*")
def vendors_id_is_written_before_sending(patch: MonkeyPatch) -> None:
    real = claiming.begin

    def begin(job: Any, *, at: Any) -> Change:
        begun = real(job, at=at)
        return replace(begun, attempt=replace(begun.attempt, remote_id=f"{job.backend}-1"))

    patch.setattr(claiming, "begin", begin)


@_mutant("tag/.*/(lost|reset_before)/")
def attempt_is_left_open_on_requeue(patch: MonkeyPatch) -> None:
    real = reconcile._requeue

    def requeue(*args: Any) -> Change:
        changed = real(*args)
        return replace(changed, attempt=replace(changed.attempt, end=None))

    patch.setattr(reconcile, "_requeue", requeue)


# -- leases and fences ---------------------------------------------------------------------------------------------


@_mutant("random")
def fence_is_not_compared(patch: MonkeyPatch) -> None:
    real = fake_jobs.Jobs._save
    patch.setattr(fake_jobs.Jobs, "_save", lambda self, job, _: real(self, job, self._tx.row("jobs", job.id).fence))


@_mutant("random")
def fence_does_not_grow(patch: MonkeyPatch) -> None:
    def lease(job: Any, terms: Any, at: Any) -> Any:
        return replace(job, lease_owner=terms.owner, lease_until=at + terms.lease)

    patch.setattr(claiming, "_lease", lease)
    patch.setattr(claiming, "_seen", lambda taken, begun: {})


@_mutant("token/.*/ok/.*submit")
def lease_outlives_its_worker(patch: MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, lease=timedelta(hours=12)))


@_mutant("token/.*/ok/")
def lease_is_kept_after_sending(patch: MonkeyPatch) -> None:
    patch.setattr(change, "let_go", lambda job: job)


@_mutant("random")
def late_reply_is_dropped(patch: MonkeyPatch) -> None:
    patch.setattr(applying, "_witness", lambda *_: None)


@_mutant("blind/.*/late_reply/")
def witness_is_not_believed(patch: MonkeyPatch) -> None:
    real = recovery.verdict

    def verdict(kind: Any, attempt: Any, *args: Any, **rest: Any) -> Verdict:
        return real(kind, replace(attempt, remote_id=None), *args, **rest)

    patch.setattr(reconcile, "verdict", verdict)


@_mutant(".*/(lost|twice)/none")
def nobody_scans(patch: MonkeyPatch) -> None:
    patch.setattr(actors.Worker, "plan", lambda *_: None)


# -- money and books -----------------------------------------------------------------------------------------------


@_mutant("(tag|blind)/.*/lost/")
def hold_is_released_in_doubt(patch: MonkeyPatch) -> None:
    def doubt(job: Any, attempt: Any, *, at: Any, look_at: Any, reason: str) -> Change:
        ended = replace(job, due_at=look_at)
        return free(Change(job=ended, attempt=attempt), JobState.UNKNOWN, at=at, reason=reason)

    patch.setattr(sending, "doubt", doubt)


@_mutant("token/.*/ok/ok/")
def hold_is_not_given_back(patch: MonkeyPatch) -> None:
    real = settle._booked
    patch.setattr(settle, "_booked", lambda *args: replace(real(*args), held=0))


@_mutant("token/.*/ok/ok/")
def charge_is_booked_twice(patch: MonkeyPatch) -> None:
    real = applying._sums
    patch.setattr(applying, "_sums", lambda changes: {k: (h, s * 2) for k, (h, s) in real(changes).items()})


@_mutant("token/.*/ok/ok/")
def journal_has_one_side(patch: MonkeyPatch) -> None:
    def one_sided(self: Any, journal: Any, at: Any) -> None:
        kept: list[Entry] = [entry for entry in journal if entry.micros > 0]
        self._tx.append("entries", kept)

    patch.setattr(fake_books.Ledger, "post", one_sided)


@_mutant("random")
def member_pays_beyond_the_hold(patch: MonkeyPatch) -> None:
    real = settle.bill

    def bill(*args: Any) -> settle.Bill:
        made = real(*args)
        return replace(made, charged=made.due, loss=Money(currency="KRW", micros=0))

    patch.setattr(settle, "bill", bill)


@_mutant("random")
def budgets_are_read_without_a_lock(patch: MonkeyPatch) -> None:
    real = fake_books.Ledger.budgets
    patch.setattr(fake_books.Ledger, "budgets", lambda self, ids, lock=False: real(self, ids))


@_mutant("random")
def idempotency_key_is_not_looked_up(patch: MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "by_keys", lambda *_: {})


# -- cancelling, sweeping, recording -------------------------------------------------------------------------------


@_mutant("(token|tag|blind)/.*/ok/.*cancel")
def cancel_only_flips_the_row(patch: MonkeyPatch) -> None:
    def stop(work: Any, job: Any, member: Any, at: Any) -> Any:
        bare = Change(job=replace(job, cancel_requested=True, fence=job.fence + 1))
        made = free(bare, JobState.CANCELLED, at=at, reason="cancelled")
        applying.write(work, [made], at=at, seen={job.id: job.fence})
        work.jobs.request_cancel(job.id)
        work.acted({"act": "cancel", "job": job.id, "by": member.id}, at)
        return made.job

    patch.setattr(cancel, "_stop", stop)


@_mutant("(token|tag)/.*cancel")
def cancel_request_is_overwritten(patch: MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "request_cancel", lambda *_: None)


@_mutant("random")
def sweep_cancels_attempts_in_doubt(patch: MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Attempts, "unresolved", lambda *_: [])


@_mutant("tag/.*/late_out/")
def nobody_sweeps(patch: MonkeyPatch) -> None:
    patch.setattr(rounds, "sweep", lambda *_: 0)


@_mutant("random")
def late_reply_hides_an_orphan(patch: MonkeyPatch) -> None:
    patch.setattr(fake_jobs, "GIVEN_UP", frozenset())


@_mutant("random")
def known_id_is_released(patch: MonkeyPatch) -> None:
    real = attend._attended

    def attended(*args: Any) -> Any:
        job, attempt = real(*args)
        return job, replace(attempt, remote_id=None)

    patch.setattr(attend, "_attended", attended)


@_mutant("rerun/.*/gone/")
def lost_local_run_fails_the_job(patch: MonkeyPatch) -> None:
    def lost(job: Any, seen: Any, at: Any) -> Change:
        return settle.ended(Change(job=job, attempt=seen), JobState.FAILED, AttemptEnd.LOST, at=at.at,
                            reason="lost", code="lost_at_vendor")  # fmt: skip

    patch.setattr(look, "_lost", lost)


@_mutant("token/.*/ok/ok/")
def result_is_not_kept(patch: MonkeyPatch) -> None:
    patch.setattr(fake_books.Archive, "keep_results", lambda *_: None)


@_mutant("token/.*/ok/ok/")
def nobody_audits(patch: MonkeyPatch) -> None:
    patch.setattr(Work, "acted", lambda *_: None)


@_mutant("token/.*/ok/ok/")
def moves_are_not_recorded(patch: MonkeyPatch) -> None:
    patch.setattr(Work, "moved", lambda *_: None)


@_mutant("(tag|token)/.*/ok/ok/")
def move_skips_the_table(patch: MonkeyPatch) -> None:
    def skipping(made: Change, to: JobState, **rest: Any) -> Change:
        return move(made, JobState.SUCCEEDED if to is JobState.FETCHING else to, **rest)

    patch.setattr(look, "move", skipping)


def _acts(**other: Act) -> Any:
    names = {act.name: act for act in Act} | other
    return type("Acts", (), names)
