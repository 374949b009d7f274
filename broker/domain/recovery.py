"""What may be done about a submission whose outcome nobody knows? Look, resend or wait, but never guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.attempt import Attempt
    from broker.domain.ids import RemoteId


class Recovery(StrEnum):
    """How an unknown outcome is settled (docs/architecture.md, "Sending exactly once")."""

    TOKEN = "token"  # noqa: S105  a recovery class
    TAG = "tag"
    BLIND = "blind"
    RERUN = "rerun"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiescence:
    """``window`` after the intent no request of ours can still land; a tag vendor is looked at ``gap`` apart, twice."""

    window: timedelta = timedelta(minutes=10)
    gap: timedelta = timedelta(seconds=60)
    looks: int = 2


class Act(StrEnum):
    """What the reconciler does next."""

    ADOPT = "adopt"
    RESEND = "resend"
    REQUEUE = "requeue"
    WAIT = "wait"
    ATTEND = "attend"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An act with what it needs: the vendor's job to adopt, or when to look again, and the reason shown to people."""

    act: Act
    reason: str
    remote_id: RemoteId | None = None
    until: datetime | None = None
    absences: int = 0


def needs_look(recovery: Recovery) -> bool:
    """Whether asking the vendor can prove anything."""
    return recovery in {Recovery.TOKEN, Recovery.TAG}


def verdict(
    recovery: Recovery,
    attempt: Attempt,
    found: Sequence[RemoteId],
    *,
    at: datetime,
    quiescence: Quiescence,
    may_resubmit: bool,
    wanted: bool,
) -> Verdict:
    """What the evidence allows. ``found`` are the vendor's jobs that bear the attempt's token, as seen at ``at``.

    A job that is not ``wanted`` any more is never sent again, in no class: what the vendor turns out to have is adopted
    (and then cancelled there), and once it is proved that it has nothing, the job ends.
    """
    if attempt.remote_id is not None and all(remote == attempt.remote_id for remote in found):
        return Verdict(act=Act.ADOPT, reason="a late reply named the vendor's job", remote_id=attempt.remote_id)
    if len(found) > 1 or (found and attempt.remote_id is not None):
        return Verdict(act=Act.ATTEND, reason=f"the vendor lists {len(found)} jobs for one token")
    if found:
        return Verdict(act=Act.ADOPT, reason="found at the vendor by token", remote_id=found[0])
    if recovery is Recovery.RERUN and wanted:
        return Verdict(act=Act.REQUEUE, reason="a local run is simply run again")
    if recovery is Recovery.RERUN:
        return Verdict(act=Act.WITHDRAW, reason="a local run costs nothing")
    if recovery is Recovery.TOKEN and wanted:
        return Verdict(act=Act.RESEND, reason="sent again with the same token")
    if recovery is Recovery.BLIND:
        return Verdict(act=Act.ATTEND, reason="the vendor can neither list nor recognise it; an operator must look")
    # A token may have been sent again at any time until the job was seen to be unwanted, and a worker that died over it
    # has not said so: the window begins then. A tag is sent once per attempt.
    last_sent = attempt.intent_at if recovery is Recovery.TAG else attempt.unwanted_at or at
    quiet = last_sent + quiescence.window
    return _absent(attempt, quiet, at=at, quiescence=quiescence, may_resubmit=may_resubmit, wanted=wanted)


def _absent(
    attempt: Attempt, quiet: datetime, *, at: datetime, quiescence: Quiescence, may_resubmit: bool, wanted: bool
) -> Verdict:
    if at < quiet:
        return Verdict(act=Act.WAIT, reason="a late request may still land", until=quiet, absences=0)
    too_soon = attempt.absent_at is not None and at < attempt.absent_at + quiescence.gap
    absences = attempt.absences + (0 if too_soon else 1)
    if absences < quiescence.looks:
        return Verdict(
            act=Act.WAIT, reason="absent once; looked at again", until=at + quiescence.gap, absences=absences
        )
    if not wanted:
        return Verdict(act=Act.WITHDRAW, reason="absent twice after the quiescence window", absences=absences)
    if not may_resubmit:
        return Verdict(act=Act.ATTEND, reason="absent twice, but the project does not allow sending again")
    return Verdict(act=Act.REQUEUE, reason="absent twice after the quiescence window", absences=absences)
