"""Does the vendor work? What its replies to create requests say, kept in breakers that everybody's claims respect."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from backends.errors import BackendError, Refused
from broker.domain.breaker import BACKEND_TRIPS, DEVICE_TRIPS, Breaker, failed, given_back, succeeded
from workers.send import of_the_vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from broker.store.unit_of_work import Store
    from workers.send import Reply, Sending

log = logging.getLogger("qsubmit.watch")


class Watch:
    """Remembers whether some breaker may have a row, so that a vendor that works costs no transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def heard(self, batch: Sequence[Sending], replies: Sequence[Reply], *, at: datetime) -> None:
        """Count failures in a row; whatever the vendor decided (yes or no) is a sign that it works."""
        scopes = {scope for each in batch for scope in _scopes(each)}
        if not scopes or not (any(_failure(reply) for reply in replies) or self._known(scopes)):
            return
        with self._store.write() as work:
            before = work.breakers.of(scopes, lock=True)
            now = {scope: before.get(scope, Breaker(scope=scope)) for scope in scopes}
            for each, reply in zip(batch, replies, strict=True):
                for scope in _scopes(each):
                    now[scope] = _counted(now[scope], reply, backend=each.job.backend, at=at)
            work.breakers.put([b for scope, b in now.items() if b != before.get(scope, Breaker(scope=scope))], at)
        _tell(now.values(), before, at)

    def _known(self, scopes: set[str]) -> bool:
        with self._store.read() as work:
            return bool(work.breakers.of(scopes))


def _scopes(each: Sending) -> tuple[str, str]:
    return each.job.device, each.job.backend


def _failure(reply: Reply) -> bool:
    return of_the_vendor(reply) and isinstance(reply, BackendError) and not isinstance(reply, Refused)


def _counted(before: Breaker, reply: Reply, *, backend: str, at: datetime) -> Breaker:
    if not of_the_vendor(reply):
        return given_back(before, at=at)
    if not _failure(reply):
        return succeeded(before)
    trips_at = BACKEND_TRIPS if before.scope == backend else DEVICE_TRIPS
    return failed(before, str(reply), at=at, trips_at=trips_at)


def _tell(now: Iterable[Breaker], before: dict[str, Breaker], at: datetime) -> None:
    for each in now:
        opened = each.is_open(at) and each.open_until != getattr(before.get(each.scope), "open_until", None)
        if opened:
            log.error("%s fails; left alone until %s: %s", each.scope, each.open_until, each.reason)
