"""Mistakes in sending, finding out, leases and fences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from backends.errors import BackendError, OutcomeUnknown, Refused
from broker.domain import change, recovery
from broker.domain.change import Change, unsent
from broker.domain.recovery import Act, Quiescence, Verdict
from broker.domain.terms import Terms
from broker.services import apply as applying
from broker.services import claim as claiming
from tests.simulation import actors, fake_books, fake_jobs
from tests.simulation.mistake import collector
from workers import drive, reconcile
from workers import send as sending

if TYPE_CHECKING:
    import pytest

    from tests.simulation.mistake import Mistake

SENDING: dict[str, Mistake] = {}
_mutant = collector(SENDING)


# -- sending and finding out ---------------------------------------------------------------------------------------


@_mutant("tag/.*/(lost|error_after|late_in)/")
def list_is_skipped_before_requeue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "_look", lambda *_: ())


@_mutant("token/.*/(lost|error_after)/")
def token_is_fresh_on_resend(patch: pytest.MonkeyPatch) -> None:
    real = reconcile._resend

    def resend(start: Change, doubt: Any, backend: Any, order: Any, **rest: Any) -> Change:
        return real(start, doubt, backend, replace(order, token=order.token + "-again"), **rest)

    patch.setattr(reconcile, "_resend", resend)


@_mutant("token/.*/(lost|error_after)/")
def token_class_is_requeued_instead_of_resent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recovery, "Act", _acts(RESEND=Act.REQUEUE))


@_mutant("blind/.*/lost/")
def blind_is_requeued(patch: pytest.MonkeyPatch) -> None:
    real = recovery.verdict

    def verdict(*args: Any, **rest: Any) -> Verdict:
        found = real(*args, **rest)
        return replace(found, act=Act.REQUEUE) if found.act is Act.ATTEND else found

    patch.setattr(reconcile, "verdict", verdict)


@_mutant("tag/.*/ok/(lost|twice)/.*submit")
def every_dead_lease_is_requeued(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "verdict", lambda *_, **__: Verdict(act=Act.REQUEUE, reason="the worker is gone"))


@_mutant("(tag|blind)/.*/lost/")
def timeout_is_taken_for_unsent(patch: pytest.MonkeyPatch) -> None:
    real = sending.reaction

    def reaction(each: Any, reply: Any, **rest: Any) -> Change:
        if isinstance(reply, OutcomeUnknown):
            return unsent(each.job, each.attempt, at=rest["at"], again_at=rest["at"], reason="timed out")
        return real(each, reply, **rest)

    patch.setattr(drive, "reaction", reaction)


@_mutant("(token|tag|blind)/.*/error_after/")
def server_error_is_taken_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    real = sending.reaction

    def reaction(each: Any, reply: Any, **rest: Any) -> Change:
        return real(each, Refused("502") if isinstance(reply, OutcomeUnknown) else reply, **rest)

    patch.setattr(drive, "reaction", reaction)


@_mutant("token/.*/refused/.*(submit|record)")
def refused_resend_is_tried_for_ever(patch: pytest.MonkeyPatch) -> None:
    def refused(start: Change, attempt: Any, error: Any, *, at: Any, terms: Any) -> Change:
        return reconcile._later(start, attempt, at + terms.send_timeout, str(error))

    patch.setattr(reconcile, "_refused", refused)


@_mutant("random")
def refused_look_is_taken_for_a_refused_create(patch: pytest.MonkeyPatch) -> None:
    real = reconcile.settle_doubt

    def settle_doubt(doubt: Any, backend: Any, order: Any, *, at: Any, terms: Any) -> Change:
        try:
            reconcile._look(backend, doubt.attempt)
        except Refused as error:
            start = reconcile._as_unknown(doubt, at)
            return reconcile._refused(start, doubt.attempt, error, at=at, terms=terms)
        except BackendError:
            pass
        return real(doubt, backend, order, at=at, terms=terms)

    patch.setattr(drive, "settle_doubt", settle_doubt)


@_mutant("tag/.*/late_in/")
def quiescence_is_too_short(patch: pytest.MonkeyPatch) -> None:
    short = Quiescence(window=timedelta(minutes=2))
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=short))


@_mutant("tag/.*/late_in/")
def one_look_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=Quiescence(looks=1)))


@_mutant("tag/.*/late_in/")
def two_looks_without_a_gap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, quiescence=Quiescence(gap=timedelta(seconds=1))))


@_mutant("tag/.*/(reset_before|ok)/.*submit")
def resubmission_against_the_projects_will(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_books.People, "may_resubmit", lambda _, projects: frozenset(projects))


@_mutant("random")
def lease_is_not_looked_at_before_each_send(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Terms, "may_send", lambda *_: True)


@_mutant("(token|tag|blind)/.*/ok/.*")
def vendors_id_is_written_before_sending(patch: pytest.MonkeyPatch) -> None:
    real: Any = change.begin

    def begin(job: Any, *, at: Any) -> Any:
        begun = real(job, at=at)
        return replace(begun, attempt=replace(begun.attempt, remote_id=f"{job.backend}-1"))

    patch.setattr(claiming, "begin", begin)


@_mutant("tag/.*/(lost|reset_before)/")
def attempt_is_left_open_on_requeue(patch: pytest.MonkeyPatch) -> None:
    real = reconcile._requeue

    def requeue(*args: Any) -> Any:
        changed: Any = real(*args)
        return replace(changed, attempt=replace(changed.attempt, end=None))

    patch.setattr(reconcile, "_requeue", requeue)


# -- leases and fences ---------------------------------------------------------------------------------------------


@_mutant("random")
def fence_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    real = fake_jobs.Jobs._save
    patch.setattr(fake_jobs.Jobs, "_save", lambda self, job, _: real(self, job, self._tx.row("jobs", job.id).fence))


@_mutant("random")
def fence_does_not_grow(patch: pytest.MonkeyPatch) -> None:
    def lease(job: Any, terms: Any, at: Any) -> Any:
        return replace(job, lease_owner=terms.owner, lease_until=at + terms.lease)

    patch.setattr(claiming, "_lease", lease)
    patch.setattr(claiming, "_seen", lambda taken, begun: {})


@_mutant("token/.*/ok/.*submit")
def lease_outlives_its_worker(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(actors, "TERMS", replace(actors.TERMS, lease=timedelta(hours=12)))


@_mutant("token/.*/ok/")
def lease_is_kept_after_sending(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(change, "let_go", lambda job: job)


@_mutant("random")
def late_reply_is_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(applying, "_witness", lambda *_: None)


@_mutant("blind/.*/late_reply/")
def witness_is_not_believed(patch: pytest.MonkeyPatch) -> None:
    real = recovery.verdict

    def verdict(kind: Any, attempt: Any, *args: Any, **rest: Any) -> Verdict:
        return real(kind, replace(attempt, remote_id=None), *args, **rest)

    patch.setattr(reconcile, "verdict", verdict)


@_mutant(".*/(lost|twice)/none")
def nobody_scans(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(actors.Worker, "plan", lambda *_: None)


def _acts(**other: Act) -> Any:
    names = {act.name: act for act in Act} | other
    return type("Acts", (), names)
