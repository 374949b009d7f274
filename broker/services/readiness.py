"""Does the hub work, and if not, which part stands still? What ``/readyz`` and ``qsubmit doctor`` tell."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from broker.clock import note
from broker.store import schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from broker.clock import Steady
    from broker.store.unit_of_work import Store, Work

OK = "ok"
# Anybody may ask, and each look writes: one look serves all who ask within this time.
KEPT_S = 1.0
# Of a hub whose workers live no job is due for longer: its lease ends, and the next scan takes it.
LATE = timedelta(minutes=3)
CLOCK_MAY_DIFFER = timedelta(seconds=5)
# Without these the gateway can admit nothing; the others stand beside it, and what is admitted waits for them.
ESSENTIAL = frozenset({"database", "schema", "devices"})


@dataclass(frozen=True, slots=True)
class State:
    """Part -> ``ok``, or what is wrong with it in words."""

    checks: Mapping[str, str]

    @property
    def word(self) -> str:
        """``ok``, ``degraded`` (admits, but something stands still) or ``unready`` (admits nothing)."""
        wrong = {part for part, found in self.checks.items() if found != OK}
        return "unready" if wrong & ESSENTIAL else "degraded" if wrong else OK


class Readiness:
    """Looks at the database, the workers and the clock; at most once in ``KEPT_S``, however many ask."""

    def __init__(self, store: Store, clock: Steady, *, stale: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._stale = stale
        self._lock = threading.Lock()
        self._looked_at = -KEPT_S
        self._state = State({})

    def state(self) -> State:
        """How things stand."""
        with self._lock:
            if time.monotonic() - self._looked_at >= KEPT_S:
                self._state = State(self._look())
                self._looked_at = time.monotonic()
            return self._state

    def _look(self) -> dict[str, str]:
        try:
            checks = {"schema": OK if schema.is_current(self._store.engine) else "migrate first"}
            with self._store.read() as work:
                checks |= self._workers(work, self._clock())
        except Exception as error:  # noqa: BLE001  readiness reports trouble, it does not have it
            return {"database": f"cannot be read: {type(error).__name__}"}
        return checks | {"database": self._written(), "clock": self._time()}

    def _written(self) -> str:
        # A database that only answers admits nothing: a full disk still reads.
        try:
            with self._store.write() as work:
                note(work, self._clock)
        except SQLAlchemyError as error:
            return f"cannot be written: {str(getattr(error, 'orig', None) or error).strip() or type(error).__name__}"
        return OK

    def _workers(self, work: Work, at: datetime) -> dict[str, str]:
        vendors = tuple(work.catalogue.recoveries())
        scanned = work.leases.successes().get("scan")
        due = work.jobs.next_due(vendors, sent=True) if vendors else None
        return {
            "devices": OK if vendors else "no worker has reported any device yet",
            "scan": _scan(scanned, at, self._stale),
            "jobs": OK if due is None or at - due < LATE else f"a job is due since {_seconds(at - due)} s",
        }

    def _time(self) -> str:
        ahead = self._clock.ahead()
        if abs(ahead) <= CLOCK_MAY_DIFFER:
            return OK
        side = "behind" if ahead > timedelta(0) else "ahead of"
        return f"the machine's clock is {_seconds(abs(ahead))} s {side} the hub's, which follows it slowly"


def _scan(scanned: datetime | None, at: datetime, stale: timedelta) -> str:
    if scanned is None:
        return "no worker has finished a scan yet"
    return OK if at - scanned < stale else f"no worker has finished a scan for {_seconds(at - scanned)} s"


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
