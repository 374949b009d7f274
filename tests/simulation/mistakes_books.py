"""Mistakes in money, cancelling, sweeping and recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from broker.domain.attempt import AttemptEnd
from broker.domain.bill import Bill
from broker.domain.budget import Entry
from broker.domain.change import Change, free, move
from broker.domain.lifecycle import JobState
from broker.domain.money import Money
from broker.services import apply as applying
from broker.services import attend, cancel, failover, orphans, settle
from broker.store.unit_of_work import Work
from tests.simulation import fake_books, fake_jobs
from tests.simulation.mistake import collector
from workers import drive, look, sweep
from workers import send as sending

if TYPE_CHECKING:
    import pytest

    from tests.simulation.mistake import Mistake

BOOKS: dict[str, Mistake] = {}
_mutant = collector(BOOKS)


# -- money and books -----------------------------------------------------------------------------------------------


@_mutant("(tag|blind)/.*/lost/")
def hold_is_released_in_doubt(patch: pytest.MonkeyPatch) -> None:
    def doubt(job: Any, attempt: Any, *, at: Any, look_at: Any, reason: str) -> Change:
        ended = replace(job, due_at=look_at)
        return free(Change(job=ended, attempt=attempt), JobState.UNKNOWN, at=at, reason=reason)

    patch.setattr(sending, "doubt", doubt)


@_mutant("token/.*/ok/ok/")
def hold_is_not_given_back(patch: pytest.MonkeyPatch) -> None:
    real = settle._booked
    patch.setattr(settle, "_booked", lambda *args: replace(real(*args), held=0))


@_mutant("token/.*/ok/ok/")
def charge_is_booked_twice(patch: pytest.MonkeyPatch) -> None:
    real = applying._sums
    patch.setattr(applying, "_sums", lambda changes: {k: (h, s * 2) for k, (h, s) in real(changes).items()})


@_mutant("token/.*/ok/ok/")
def journal_has_one_side(patch: pytest.MonkeyPatch) -> None:
    def one_sided(self: Any, journal: Any, at: Any) -> None:
        kept: list[Entry] = [entry for entry in journal if entry.micros > 0]
        self._tx.append("entries", kept)

    patch.setattr(fake_books.Ledger, "post", one_sided)


@_mutant("random")
def member_pays_beyond_the_hold(patch: pytest.MonkeyPatch) -> None:
    real = settle.bill

    def bill(*args: Any, **rest: Any) -> Bill:
        made = real(*args, **rest)
        return replace(made, charged=made.due, loss=Money(currency="KRW", micros=0))

    patch.setattr(settle, "bill", bill)


@_mutant("random")
def budgets_are_read_without_a_lock(patch: pytest.MonkeyPatch) -> None:
    real = fake_books.Ledger.budgets
    patch.setattr(fake_books.Ledger, "budgets", lambda self, ids, lock=False: real(self, ids))


@_mutant("random")
def idempotency_key_is_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "by_keys", lambda *_: {})


# -- cancelling, sweeping, recording -------------------------------------------------------------------------------


@_mutant("(token|tag|blind)/.*/ok/.*cancel")
def cancel_only_flips_the_row(patch: pytest.MonkeyPatch) -> None:
    def stop(work: Any, job: Any, member: Any, at: Any) -> Any:
        bare = Change(job=replace(job, cancel_requested=True, fence=job.fence + 1))
        made = free(bare, JobState.CANCELLED, at=at, reason="cancelled")
        applying.write(work, [made], at=at, seen={job.id: job.fence})
        work.jobs.request_cancel(job.id)
        work.acted({"act": "cancel", "job": job.id, "by": member.id}, at)
        return made.job

    patch.setattr(cancel, "_stop", stop)


@_mutant("(token|tag)/.*cancel")
def cancel_request_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "request_cancel", lambda *_: None)


@_mutant("random")
def sweep_cancels_attempts_in_doubt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Attempts, "unresolved", lambda *_: [])


@_mutant("tag/.*/late_out/")
def nobody_sweeps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweep, "sweep", lambda *_, **__: 0)


@_mutant("tag/.*/late_out/")
def orphans_cost_nobody_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orphans, "orphan_entries", lambda *_: ())


@_mutant("tag/.*/late_out/")
def orphan_is_booked_at_every_sweep(patch: pytest.MonkeyPatch) -> None:
    real = fake_books.Orphans.noted
    patch.setattr(fake_books.Orphans, "settle", lambda *_: True)
    patch.setattr(
        fake_books.Orphans,
        "noted",
        lambda self, backend, settled: {} if settled else real(self, backend, settled=settled),
    )


@_mutant("tag/.*/late_out/")
def orphan_is_booked_before_it_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweep, "RUNS", frozenset())


# -- failover ------------------------------------------------------------------------------------------------------


@_mutant(".*/refused/ok/")
def old_hold_is_kept_beside_the_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(failover, "release_entries", lambda _: ())


@_mutant("random")
def second_hold_is_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(applying, "_check_funds", lambda *_: None)


@_mutant(".*/refused/ok/")
def second_offer_is_dearer_than_agreed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(failover, "_most", lambda *_: None)


@_mutant(".*/refused/ok/")
def refused_attempt_is_left_open(patch: pytest.MonkeyPatch) -> None:
    real = failover._moved

    def moved(*args: Any, **rest: Any) -> Change:
        made = real(*args, **rest)
        return replace(made, attempt=replace(made.attempt, end=None))

    patch.setattr(failover, "_moved", moved)


@_mutant(".*/refused/ok/")
def second_offer_keeps_the_price_of_the_first(patch: pytest.MonkeyPatch) -> None:
    real = failover._moved

    def moved(before: Any, *args: Any, **rest: Any) -> Change:
        made = real(before, *args, **rest)
        return replace(made, job=replace(made.job, price=before.price))

    patch.setattr(failover, "_moved", moved)


@_mutant("random")
def late_reply_hides_an_orphan(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs, "GIVEN_UP", frozenset())


@_mutant("random")
def known_id_is_released(patch: pytest.MonkeyPatch) -> None:
    real = attend._attended

    def attended(*args: Any) -> Any:
        job, attempt = real(*args)
        return job, replace(attempt, remote_id=None)

    patch.setattr(attend, "_attended", attended)


@_mutant("rerun/.*/gone/")
def lost_local_run_fails_the_job(patch: pytest.MonkeyPatch) -> None:
    def lost(job: Any, seen: Any, at: Any) -> Change:
        return settle.ended(Change(job=job, attempt=seen), JobState.FAILED, AttemptEnd.LOST, at=at.at,
                            reason="lost", code="lost_at_vendor")  # fmt: skip

    patch.setattr(look, "_lost", lost)


# -- runs without a result -----------------------------------------------------------------------------------------


@_mutant("(token|tag|blind)/.*/(purged|unreadable)/")
def lost_run_is_booked_nowhere(patch: pytest.MonkeyPatch) -> None:
    def nothing(_: Any, job: Any, __: Any, *, at: Any) -> Bill:
        none = Money(currency=job.held.currency, micros=0)
        return Bill(listed=none, due=none, charged=none, loss=none, ended_at=at)

    patch.setattr(settle.Tariff, "without_result", nothing)


@_mutant("(token|tag|blind)/.*/(purged|unreadable)/")
def lost_run_is_the_members(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settle, "absorbed", lambda made: made)


@_mutant("(token|tag|blind)/.*/(purged|unreadable)/")
def what_the_vendor_says_that_it_bills_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    real = look.collected

    def collected(*args: Any, seen: Any, **rest: Any) -> Change:
        return real(*args, seen=replace(seen, usage=None), **rest)

    patch.setattr(drive, "collected", collected)


@_mutant("tag/.*/(purged|unreadable)/")
def lost_orphan_costs_nothing(patch: pytest.MonkeyPatch) -> None:
    def settle_at_worst(store: Any, backend: str, remote_id: str, device: str, *, at: Any) -> Money | None:
        return orphans.settle(store, backend, remote_id, device, None, at=at)

    patch.setattr(orphans, "settle_at_worst", settle_at_worst)


@_mutant("tag/.*/unreadable/")
def unreadable_orphan_is_never_given_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_books.Orphans, "unbooked_since", lambda *_: set())


@_mutant("token/.*/ok/ok/")
def result_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_books.Archive, "keep_results", lambda *_: None)


@_mutant("token/.*/ok/ok/")
def nobody_audits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Work, "acted", lambda *_: None)


@_mutant("token/.*/ok/ok/")
def moves_are_not_recorded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Work, "moved", lambda *_: None)


@_mutant("(tag|token)/.*/ok/ok/")
def move_skips_the_table(patch: pytest.MonkeyPatch) -> None:
    def skipping(made: Change, to: JobState, **rest: Any) -> Change:
        return move(made, JobState.SUCCEEDED if to is JobState.FETCHING else to, **rest)

    patch.setattr(look, "move", skipping)
