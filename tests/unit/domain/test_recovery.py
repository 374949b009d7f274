"""What may be done about a doubtful submission, in each class, whether or not anybody still wants it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.attempt import Attempt
from broker.domain.recovery import Act, Quiescence, Recovery, verdict

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
TERMS = Quiescence()
TRIED = Attempt(
    id="a", job="j", number=1, device="braket/garnet", backend="braket", token="qsub-a", intent_at=AT, fence=1
)


def judge(recovery, attempt=TRIED, found=(), *, at=AT, wanted=False, may_resubmit=True):
    return verdict(recovery, attempt, found, at=at, quiescence=TERMS, may_resubmit=may_resubmit, wanted=wanted)


@pytest.mark.parametrize(
    ("recovery", "wanted", "unwanted"),
    [
        (Recovery.TOKEN, Act.RESEND, Act.WAIT),
        (Recovery.TAG, Act.WAIT, Act.WAIT),
        (Recovery.BLIND, Act.ATTEND, Act.ATTEND),
        (Recovery.RERUN, Act.REQUEUE, Act.WITHDRAW),
    ],
)
def test_a4_what_nobody_wants_is_never_sent_while_nothing_is_proved(recovery, wanted, unwanted):
    assert judge(recovery, wanted=True).act is wanted
    assert judge(recovery, wanted=False).act is unwanted


@pytest.mark.parametrize("recovery", [Recovery.TOKEN, Recovery.TAG])
@pytest.mark.parametrize("may_resubmit", [True, False])
def test_a4_absence_is_proved_by_two_looks_after_the_window_and_then_it_ends(recovery, may_resubmit):
    seen = replace(TRIED, unwanted_at=AT)
    first = judge(recovery, seen, at=AT + TERMS.window, may_resubmit=may_resubmit)
    assert (first.act, first.absences) == (Act.WAIT, 1)
    once = replace(seen, absences=1, absent_at=AT + TERMS.window)
    too_soon = judge(recovery, once, at=once.absent_at + TERMS.gap / 2, may_resubmit=may_resubmit)
    assert too_soon.act is Act.WAIT
    assert judge(recovery, once, at=once.absent_at + TERMS.gap, may_resubmit=may_resubmit).act is Act.WITHDRAW


def test_a4_the_window_of_a_token_begins_when_it_was_seen_to_be_unwanted():
    """It may have been sent again until then."""
    late = AT + timedelta(hours=1)
    assert judge(Recovery.TOKEN, at=late).until == late + TERMS.window
    seen = replace(TRIED, unwanted_at=late, absences=1, absent_at=AT)
    assert judge(Recovery.TOKEN, seen, at=late + TERMS.window / 2).act is Act.WAIT
    assert judge(Recovery.TAG, seen, at=late).act is Act.WITHDRAW


@pytest.mark.parametrize("recovery", [Recovery.TOKEN, Recovery.TAG])
def test_a4_what_the_vendor_has_is_adopted_also_unwanted(recovery):
    found = judge(recovery, found=("remote",))
    assert (found.act, found.remote_id) == (Act.ADOPT, "remote")
    assert judge(recovery, found=("one", "two")).act is Act.ATTEND
