"""When is a vendor left alone? After failures in a row; then one job at a time asks whether it works again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.backoff import backoff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

# So many failures in a row are no accident of one job; each may have cost an operator's look (`attention`).
DEVICE_TRIPS = 3
# A vendor of many devices: more than one of them must have failed before all are left alone.
BACKEND_TRIPS = 6
FIRST = timedelta(seconds=30)
# At a blind vendor every probe of an outage is one job in `attention`: one an hour in the end.
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaker:
    """What happened lately at a device or a backend.

    ``failures`` counts those in a row, ``trips`` how often it opened since the last success. It is open until
    ``open_until``; after that it is half-open: one job is sent, and its answer decides. While that is awaited
    (``probing``) it is open again, until the answer must have come.
    """

    scope: str
    failures: int = 0
    trips: int = 0
    open_until: datetime | None = None
    reason: str = ""
    probing: bool = False

    def is_open(self, at: datetime) -> bool:
        """Whether nothing may be sent."""
        return self.open_until is not None and at < self.open_until

    def room(self, free: int, at: datetime) -> int:
        """How many of ``free`` places may be used now."""
        if self.open_until is None:
            return free
        return 0 if self.is_open(at) else min(free, 1)


def failed(before: Breaker, reason: str, *, at: datetime, trips_at: int) -> Breaker:
    """One more failure in a row; a probe that fails opens it again, for longer."""
    failures = before.failures + 1
    counted = replace(before, failures=failures, reason=reason)
    if before.open_until is None and failures < trips_at:
        return counted
    if before.is_open(at) and not before.probing:
        # What was under way when it opened says nothing new; a longer pause is for a probe to earn.
        return counted
    trips = before.trips + 1
    pause = backoff(trips, seed=before.scope, floor=FIRST, longest=LONGEST)
    return replace(counted, trips=trips, open_until=at + pause, probing=False)


def succeeded(before: Breaker) -> Breaker:
    """The vendor answered: everything before is forgotten."""
    return Breaker(scope=before.scope)


def given_back(before: Breaker, *, at: datetime) -> Breaker:
    """The probe was not sent after all: the next job may be one at once."""
    return replace(before, open_until=at, probing=False) if before.probing else before


def probing(before: Breaker, *, at: datetime, answer: timedelta) -> Breaker:
    """A probe is on its way: nobody else is sent until it must have been answered."""
    return before if before.open_until is None else replace(before, open_until=at + answer, probing=True)


def open_reasons(known: Iterable[Breaker], at: datetime) -> dict[str, str]:
    """Scope -> why nothing is sent there now, and until when."""
    return {each.scope: _said(each) for each in known if each.is_open(at)}


def _said(each: Breaker) -> str:
    return f"{each.failures} failures in a row; tried again at {each.open_until:%Y-%m-%dT%H:%M:%SZ}: {each.reason}"
