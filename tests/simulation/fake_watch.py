"""Breakers, refused rows and hosts of the fake store: broker/store/breakers.py, spoiled.py and hosts.py over values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from broker.domain.host import Host
    from tests.simulation.fake_store import Transaction


class Breakers:
    """A breaker without failures has no row; here it has one that says so."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection

    def of(self, scopes: Iterable[str], *, lock: bool = False) -> dict[str, Breaker]:
        self._tx.statement()
        found = sorted(scope for scope in scopes if self._tx.row("breakers", scope) is not None)
        if lock:
            for scope in found:
                self._tx.lock("breakers", scope)
        rows = {scope: self._tx.row("breakers", scope) for scope in found}
        return {scope: row for scope, row in rows.items() if row.failures}

    def all(self) -> dict[str, Breaker]:
        return {row.scope: row for row in self._tx.all("breakers") if row.failures}

    def put(self, known: Iterable[Breaker], at: datetime) -> None:
        for each in sorted(known, key=lambda breaker: breaker.scope):
            self._tx.statement()
            self._tx.put("breakers", each.scope, replace(each, reason=each.reason))


class Spoiled:
    """Counts per place."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection

    def note(self, place: str, subject: str, error: str, at: datetime, *, count: int = 1) -> None:
        self._tx.statement()
        self._tx.lock("spoiled", place)
        self._tx.put("spoiled", place, (self._tx.row("spoiled", place) or 0) + count)

    def counts(self) -> dict[str, int]:
        self._tx.statement()
        return dict(sorted({**self._tx.tables["spoiled"], **self._tx.rows.get("spoiled", {})}.items()))


class Hosts:
    """Which hosts are known, by their heartbeat."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection

    def beat(self, host: Host) -> None:
        self._tx.statement()
        self._tx.lock("hosts", host.id)
        stored: Host | None = self._tx.row("hosts", host.id)
        if stored is None or stored.beat_at < host.beat_at:
            self._tx.put("hosts", host.id, host if stored is None else replace(host, joined_at=stored.joined_at))

    def known(self) -> list[Host]:
        self._tx.statement()
        return sorted(self._tx.all("hosts"), key=lambda host: (host.joined_at, host.id))

    def living(self, heard: datetime) -> list[Host]:
        return [host for host in self.known() if host.beat_at > heard]

    def last_beat(self, host: str) -> datetime | None:
        self._tx.statement()
        stored: Host | None = self._tx.row("hosts", host)
        return None if stored is None else stored.beat_at
