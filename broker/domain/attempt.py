"""What is an attempt? One try at one device: the unit of vendor submission, of idempotency and of billing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.ids import AttemptId, HostId, JobId, RemoteId
    from broker.domain.price import Usage


class AttemptEnd(StrEnum):
    """How an attempt ended; None on the attempt while it has not."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    UNSENT = "unsent"
    ABSENT = "absent"
    LOST = "lost"
    RELEASED = "released"


# The attempt ended because the vendor was believed not to have it.
GIVEN_UP = frozenset({AttemptEnd.REFUSED, AttemptEnd.UNSENT, AttemptEnd.ABSENT, AttemptEnd.RELEASED})

# Of these nobody heard a definite no: a request on its way may land however late.
MAY_HAVE_LANDED = frozenset({AttemptEnd.ABSENT, AttemptEnd.RELEASED, AttemptEnd.REFUSED})


@dataclass(frozen=True, kw_only=True)  # no slots: see alter.py
class Attempt:
    """The write-ahead record of a vendor submission.

    Stored before the vendor is called: if we die in between, it is the only sign that a paid job may exist.
    ``word`` is the vendor's last status word. ``absences`` counts the times a look by token came back empty after
    the quiescence window, and ``absent_at`` is the last of them. ``unwanted_at`` is when the reconciler first saw that
    nothing may be sent any more: since then nothing was. ``usage`` is what the vendor says that it bills. ``host`` is
    whose local run it is or was.
    """

    id: AttemptId
    job: JobId
    number: int
    device: str
    backend: str
    token: str
    intent_at: datetime
    fence: int
    remote_id: RemoteId | None = None
    word: str | None = None
    queue_position: int | None = None
    end: AttemptEnd | None = None
    detail: str = ""
    absences: int = 0
    absent_at: datetime | None = None
    unwanted_at: datetime | None = None
    usage: Usage | None = None
    host: HostId | None = None
