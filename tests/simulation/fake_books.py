"""Money, archive, events, audit, leases, people and catalogue of the fake store, over values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from broker.store.audit import GENESIS, digest_of
from broker.store.events import StoredEvent
from broker.store.rows import compact, micros, moment
from tests.simulation.fake_jobs import Broken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.domain.budget import Budget, Entry
    from broker.domain.device import Device
    from broker.domain.hub import Access, Member
    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from broker.domain.lifecycle import JobEvent
    from broker.domain.money import Money, Rate
    from broker.domain.pieces import Pieces
    from broker.domain.price import Price
    from broker.domain.program import Program
    from tests.simulation.fake_store import Transaction


class Repository:
    """One table's view inside one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection


class Ledger(Repository):
    def budgets(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, Budget]:
        self._tx.statement()
        names = [name for name in sorted(ids) if self._tx.row("budgets", name) is not None]
        if lock:
            for name in names:
                self._tx.lock("budgets", name)
        return {name: self._tx.row("budgets", name) for name in names}

    def adjust(self, changes: Mapping[str, tuple[int, int]]) -> None:
        for name, (held, spent) in sorted(changes.items()):
            if not (held or spent):
                continue
            self._tx.statement()
            self._tx.lock("budgets", name)
            old = self._tx.row("budgets", name)
            new = replace(old, held=old.held + held, spent=old.spent + spent)
            if new.held < 0 or new.spent < 0 or (new.left is not None and new.left < 0):
                raise Broken(f"budget {name} would hold {new.held} and have spent {new.spent} of {new.limit_micros}")
            self._tx.put("budgets", name, new)

    def post(self, journal: Sequence[Entry], at: datetime) -> None:
        if journal:
            self._tx.statement()
            self._tx.append("entries", list(journal))

    def sums(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self._tx.log("entries"):
            found[entry.currency] = found.get(entry.currency, 0) + entry.micros
        return found

    def balances(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for entry in self._tx.log("entries"):
            key = (entry.account, entry.currency)
            found[key] = found.get(key, 0) + entry.micros
        return found

    def decayed_spend(self, scopes: Iterable[str], *, lock: bool = False) -> dict[str, tuple[int, int]]:
        self._tx.statement()
        for scope in sorted(scopes := set(scopes)) if lock else ():
            if self._tx.row("usage", scope) is not None:
                self._tx.lock("usage", scope)
        rows = {scope: self._tx.row("usage", scope) for scope in scopes}
        return {scope: row for scope, row in rows.items() if row is not None}

    def put_decayed_spend(self, amounts: Mapping[str, int], at: datetime) -> None:
        self._tx.statement()
        for scope, amount in sorted(amounts.items()):
            self._tx.put("usage", scope, (amount, micros(at)))

    def amend_decayed_spend(self, amounts: Mapping[str, int]) -> None:
        self._tx.statement()
        for scope, amount in sorted(amounts.items()):
            row = self._tx.row("usage", scope)
            if row is not None:
                self._tx.put("usage", scope, (amount, row[1]))


class Orphans(Repository):
    def note(self, backend: str, remote_id: str, device: str | None, at: datetime) -> bool:
        self._tx.statement()
        if self._tx.row("orphans", (backend, remote_id)) is not None:
            return False
        self._tx.lock("orphans", (backend, remote_id))
        if self._tx.row("orphans", (backend, remote_id)) is not None:
            raise Broken(f"orphan {remote_id} exists")
        self._tx.put("orphans", (backend, remote_id), (device, None, at))
        return True

    def noted(self, backend: str, *, settled: bool) -> dict[str, str | None]:
        self._tx.statement()
        keys = sorted(self._tx.tables["orphans"] | self._tx.rows.get("orphans", {}))
        rows = {key: self._tx.row("orphans", key) for key in keys if key[0] == backend}
        return {remote: row[0] for (_, remote), row in rows.items() if (row[1] is not None) is settled}

    def settle(self, backend: str, remote_id: str, listed: Money | None) -> bool:
        self._tx.statement()
        key = (backend, remote_id)
        self._tx.lock("orphans", key)
        row = self._tx.row("orphans", key)
        if row is None or row[1] is not None:
            return False
        self._tx.put("orphans", key, (row[0], 0 if listed is None else listed.micros, row[2]))
        return True

    def among(self, backend: str, remote_ids: Sequence[str]) -> set[str]:
        self._tx.statement()
        return {remote for remote in remote_ids if self._tx.row("orphans", (backend, remote)) is not None}

    def unbooked_since(self, backend: str, at: datetime) -> set[str]:
        self._tx.statement()
        rows = self._tx.tables["orphans"] | self._tx.rows.get("orphans", {})
        return {key[1] for key, row in rows.items() if key[0] == backend and row[1] is None and row[2] <= at}


class Archive(Repository):
    def keep_programs(self, kept: Sequence[tuple[Program, str]]) -> None:
        self._keep("programs", {program.sha256: (program, need) for program, need in kept})

    def keep_decisions(self, kept: Sequence[tuple[str, str, str]]) -> None:
        self._keep("decisions", {name: (snapshot, body) for name, snapshot, body in kept})

    def keep_snapshots(self, kept: Sequence[tuple[str, Pieces]]) -> None:
        self._keep("snapshots", {name: pieces.whole() for name, pieces in kept})

    def keep_results(self, kept: Sequence[tuple[JobId, str, str]], at: datetime) -> None:
        self._keep("results", {job: (sha256, body) for job, sha256, body in kept})

    def _keep(self, table: str, rows: dict[Any, Any]) -> None:
        if rows:
            self._tx.statement()
        for key in sorted(rows):
            self._tx.keep(table, key, rows[key])

    def programs(self, hashes: Iterable[str]) -> dict[str, tuple[Program, str]]:
        self._tx.statement()
        rows = {name: self._tx.row("programs", name) for name in hashes}
        return {name: row for name, row in rows.items() if row is not None}

    def requirements(self, hashes: Iterable[str]) -> dict[str, str]:
        self._tx.statement()
        rows = {name: self._tx.row("programs", name) for name in hashes}
        return {name: row[1] for name, row in rows.items() if row is not None}

    def decision(self, decision_id: str) -> tuple[str, str] | None:
        row = self._tx.row("decisions", decision_id)
        return None if row is None else (row[1], self._tx.row("snapshots", row[0]))

    def result(self, job_id: str) -> tuple[str, str] | None:
        self._tx.statement()
        row: tuple[str, str] | None = self._tx.row("results", job_id)
        return row


class Events(Repository):
    def append(self, moves: Sequence[tuple[Job, JobEvent]]) -> None:
        if not moves:
            return
        serialise_appends(self._tx)
        self._tx.append("events", list(moves))

    def fold_returns(self, job_id: JobId, kept: int) -> None:
        """Nothing: what the schedule's judge reads is whole. The table's bound is tested on the databases."""

    def of(self, job_ids: Iterable[str]) -> list[StoredEvent]:
        wanted = frozenset(job_ids)
        return [event for event in self._stored() if event.job in wanted]

    def after(
        self, seq: int, limit: int, *, organisation: str | None = None, project: str | None = None,
        job: str | None = None,
    ) -> list[StoredEvent]:  # fmt: skip
        found = [
            event
            for event in self._stored()
            if event.seq > seq
            and organisation in (None, event.organisation)
            and project in (None, self._tx.row("jobs", event.job).project)
            and job in (None, event.job)
        ]
        return found[:limit]

    def last(self) -> int:
        return len(self._tx.log("events"))

    def _stored(self) -> list[StoredEvent]:
        return [
            StoredEvent(
                seq=seq,
                job=event.job_id,
                organisation=job.organisation,
                backend=job.backend,
                before=None if event.before is None else event.before.value,
                after=event.after.value,
                at=event.at,
                reason=event.reason,
            )
            for seq, (job, event) in enumerate(self._tx.log("events"), start=1)
        ]


class Audit(Repository):
    def append(self, acts: Sequence[dict[str, Any]], at: datetime) -> None:
        if not acts:
            return
        serialise_appends(self._tx)
        rows = self._tx.log("audit")
        previous = rows[-1][3] if rows else GENESIS
        body, when = compact(acts), micros(at)
        self._tx.append("audit", [(when, body, previous, digest_of(previous, when, body))])

    def broken_at(self) -> int | None:
        previous = GENESIS
        for seq, (when, body, before, digest) in enumerate(self._tx.log("audit"), start=1):
            if before != previous or digest != digest_of(previous, when, body):
                return seq
            previous = digest
        return None


def serialise_appends(tx: Transaction) -> None:
    """The advisory lock of broker/store/events.py."""
    tx.statement()
    tx.lock("appends", None)


class Leases(Repository):
    def take(self, name: str, owner: str, at: datetime, length: timedelta) -> int | None:
        self._tx.statement()
        self._tx.lock("leases", name)
        holder, until, fence, success = self._tx.row("leases", name) or (None, moment(0), 0, None)
        if holder != owner and until > at:
            self._tx.put("leases", name, (holder, until, fence, success))
            return None
        self._tx.put("leases", name, (owner, at + length, fence + 1, success))
        return int(fence) + 1

    def succeed(self, name: str, at: datetime) -> None:
        self._tx.statement()
        if self._tx.row("leases", name) is not None:
            self._tx.lock("leases", name)
            self._tx.put("leases", name, (*self._tx.row("leases", name)[:3], at))

    def successes(self) -> dict[str, datetime]:
        names = self._tx.tables["leases"] | self._tx.rows.get("leases", {})
        return {name: row[3] for name, row in names.items() if row[3] is not None}


class People(Repository):
    def member(self, member_id: str, *, key: str = "", scopes: tuple[str, ...] = ()) -> Member | None:
        found: Member | None = self._tx.row("members", member_id)
        return found

    def access(self, hub: str) -> Access | None:
        self._tx.statement()
        found: Access | None = self._tx.row("access", hub)
        return found

    def shares(self, scopes: tuple[str, ...]) -> dict[str, int]:
        self._tx.statement()
        rows = {scope: self._tx.row("shares", scope) for scope in scopes}
        return {scope: row for scope, row in rows.items() if row is not None}

    def may_resubmit(self, project_ids: tuple[str, ...]) -> frozenset[str]:
        self._tx.statement()
        return frozenset(project for project in project_ids if self._tx.row("resubmit", project))


class Catalogue(Repository):
    def put_devices(self, backend: str, recovery: str, seen: Sequence[Device], at: datetime) -> None:
        self._tx.statement()
        for device in sorted(seen, key=lambda each: each.name):
            self._tx.put("devices", device.name, (device, recovery, at))
        self.put_prices([device.price for device in seen if device.price is not None], "vendor")

    def put_prices(self, rows: Sequence[Price], origin: str) -> None:
        for price in sorted(rows, key=lambda each: each.id):
            self._tx.keep("prices", price.id, (price, origin))

    def put_rate(self, rate: Rate) -> None:
        self._tx.keep("rates", rate.id, rate)

    def devices(self) -> list[Device]:
        return [row[0] for row in self._tx.all("devices")]

    def device(self, name: str) -> Device | None:
        row = self._tx.row("devices", name)
        return None if row is None else row[0]

    def prices(self, at: datetime) -> list[tuple[Price, str]]:
        return sorted((row for row in self._tx.all("prices") if row[0].as_of <= at), key=lambda row: row[0].id)

    def rates(self, at: datetime) -> list[Rate]:
        return sorted((row for row in self._tx.all("rates") if row.as_of <= at), key=lambda row: row.id)

    def history(self, limit: int) -> list[tuple[str, str, str, int, int | None]]:
        return []  # what forecasts are made of moves no money

    def backlog(self) -> dict[str, int]:
        return {}

    def price(self, price_id: str) -> Price | None:
        row = self._tx.row("prices", price_id)
        return None if row is None else row[0]

    def pinned(self, price_id: str) -> tuple[Price, str] | None:
        row: tuple[Price, str] | None = self._tx.row("prices", price_id)
        return row

    def published(self, device: str, at: datetime) -> Price | None:
        rows = [price for price, origin in self.prices(at) if price.device == device and origin == "vendor"]
        return max(rows, key=lambda price: (price.as_of, price.id), default=None)

    def rate(self, rate_id: str) -> Rate | None:
        row: Rate | None = self._tx.row("rates", rate_id)
        return row

    def pause(self, scope: str, reason: str, at: datetime, until: datetime | None) -> None:
        self._tx.statement()
        self._tx.put("pauses", scope, (reason, at, until))

    def resume(self, scope: str) -> None:
        self._tx.put("pauses", scope, None)

    def pauses(self, at: datetime) -> dict[str, str]:
        rows = self._tx.tables["pauses"] | self._tx.rows.get("pauses", {})
        return {scope: row[0] for scope, row in rows.items() if row is not None and (row[2] is None or row[2] > at)}
