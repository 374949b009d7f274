"""May anything be sent there now? The breakers as a claim sees them, and the probe that it lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.breaker import probing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from broker.store.unit_of_work import Work


class Gate:
    """The breakers of some devices and backends, inside the transaction of a claim."""

    def __init__(self, work: Work, scopes: Iterable[str], *, at: datetime) -> None:
        self._work = work
        self._at = at
        self._known = work.breakers.of(scopes, lock=True)

    def room(self, scope: str, free: int) -> int:
        """How many of ``free`` places may be used."""
        known = self._known.get(scope)
        return free if known is None else known.room(free, self._at)

    def begun(self, scopes: Iterable[str], *, answer: timedelta) -> None:
        """Something is sent there: where it is a probe, nothing follows until it must have been answered."""
        for scope in scopes:
            known = self._known.get(scope)
            if known is not None and known.open_until is not None:
                self._known[scope] = probed = probing(known, at=self._at, answer=answer)
                self._work.breakers.put([probed], self._at)
