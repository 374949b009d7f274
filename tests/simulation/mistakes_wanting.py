"""Mistakes about what nobody wants any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from broker.domain.alter import alter
from broker.domain.recovery import Act, Verdict
from broker.domain.wanted import unwanted
from broker.services import last_look
from tests.simulation import fake_jobs
from tests.simulation.mistake import collector
from workers import drive, reconcile
from workers import send as sending

if TYPE_CHECKING:
    import pytest

    from tests.simulation.mistake import Mistake

WANTING: dict[str, Mistake] = {}
_mutant = collector(WANTING)


@_mutant("token/.*/unwanted/")
def what_nobody_wants_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile.Doubt, "withheld", lambda _: None)


@_mutant("token/.*/unwanted/")
def resend_trusts_what_was_asked_before_the_list(patch: pytest.MonkeyPatch) -> None:
    real = reconcile.settle_doubt

    def settle_doubt(doubt: Any, *args: Any, **rest: Any) -> Any:
        answer = doubt.ask([doubt.job])
        return real(replace(doubt, ask=lambda _: answer), *args, **rest)

    patch.setattr(drive, "settle_doubt", settle_doubt)


@_mutant("(token|tag|blind)/.*/unwanted/")
def create_trusts_the_claim(patch: pytest.MonkeyPatch) -> None:
    real = sending.send
    patch.setattr(drive, "send", lambda *args, **rest: real(*args, **(rest | {"ask": lambda _: {}})))


@_mutant("(token|tag|blind)/.*/unwanted/")
def deadline_counts_only_in_the_queue(patch: pytest.MonkeyPatch) -> None:
    def without_deadline(job: Any, *, at: Any) -> Any:
        return unwanted(alter(job, deadline=None), at=at)

    patch.setattr(last_look, "unwanted", without_deadline)


@_mutant("token/.*/unwanted/")
def unwanted_token_ends_without_proof(patch: pytest.MonkeyPatch) -> None:
    real = reconcile.verdict

    def verdict(*args: Any, **rest: Any) -> Verdict:
        found = real(*args, **rest)
        hasty = not rest["wanted"] and found.act is Act.WAIT
        return replace(found, act=Act.WITHDRAW) if hasty else found

    patch.setattr(reconcile, "verdict", verdict)


@_mutant("token/.*/unwanted/")
def unwanted_token_waits_for_ever(patch: pytest.MonkeyPatch) -> None:
    real = reconcile.verdict

    def verdict(*args: Any, **rest: Any) -> Verdict:
        found = real(*args, **rest)
        return replace(found, act=Act.WAIT, until=rest["at"]) if found.act is Act.WITHDRAW else found

    patch.setattr(reconcile, "verdict", verdict)


@_mutant("random")
def pause_stops_no_send(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "_pause", lambda *_: None)
