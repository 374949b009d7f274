"""What is on offer? Devices as the workers last saw them, dated prices and rates, pauses, and how jobs fared."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.device_document import device_document, device_of
from broker.domain.money import Rate
from broker.domain.price import Price, flattened
from broker.domain.price_document import terms_document, terms_of
from broker.domain.text import fits_name
from broker.store.faults import OF_ONE_ROW, of_one_row
from broker.store.rows import compact, micros, moment
from broker.store.spoiled import Spoiled
from broker.store.tables import devices, events, jobs, pauses, prices, rates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from broker.domain.device import Device

log = logging.getLogger("qsubmit.catalogue")
OPERATOR = "operator"
VENDOR = "vendor"
_FOUR = ("per_task", "per_shot", "per_second", "minimum_ms")
LOOKED_AT = 20_000  # newest jobs among which forecasts look for such that ended; a flood that waits is not read whole
REFUSED_CREDENTIALS = "the vendor refuses the broker's credentials"


class Catalogue:
    """Device, price, rate and pause tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def put_devices(self, backend: str, recovery: str, seen: Sequence[Device], at: datetime) -> None:
        """Replace what is known of a backend's devices, and keep any new price row of theirs."""
        gone = delete(devices).where(devices.c.backend == backend, devices.c.name.not_in([d.name for d in seen]))
        self._connection.execute(gone)
        for device in sorted(seen, key=lambda d: d.name):
            self._alone(device.name, at, partial(self._put_device, device, backend, recovery, at))

    def _alone(self, name: str, at: datetime, put: Callable[[], None]) -> None:
        """A device or a price that cannot be stored stops no other; what was known of it stands."""
        try:
            with self._connection.begin_nested():
                put()
        except Exception as error:
            if not of_one_row(error):
                raise
            log.exception("what is offered as %.80s cannot be stored", name)
            Spoiled(self._connection).note("catalogue", name, type(error).__name__, at)

    def _put_device(self, device: Device, backend: str, recovery: str, at: datetime) -> None:
        if not fits_name(device.name):
            raise ValueError("a device's name has 1 to 256 characters, and no NUL or half a surrogate")
        body = compact(device_document(device))
        row = {"name": device.name, "backend": backend, "recovery": recovery, "body": body, "seen_at": micros(at)}
        insert = self._dialect.insert(devices).values(row)
        change = {name: insert.excluded[name] for name in row if name != "name"}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=change))
        if device.price is not None:
            self.put_prices([device.price], VENDOR)

    def put_prices(self, rows: Sequence[Price], origin: str) -> None:
        """Keep price rows; a row that is known by its id is never changed."""
        for price in sorted(rows, key=lambda p: p.id):
            row = _price_row(price) | {"origin": origin}
            self._connection.execute(self._dialect.insert(prices).values(row).on_conflict_do_nothing())

    def withdraw_prices(self, prefix: str, *, keep: Sequence[str]) -> None:
        """Of the rows whose id begins with ``prefix``, those in ``keep`` are in force, and the others no longer."""
        ours = update(prices).where(prices.c.id.startswith(prefix, autoescape=True))
        self._connection.execute(ours.where(prices.c.id.not_in(keep)).values(withdrawn=True))
        self._connection.execute(ours.where(prices.c.id.in_(keep)).values(withdrawn=False))

    def put_rate(self, rate: Rate) -> None:
        """Keep a dated rate; a row that is known by its id is never changed."""
        row = {
            "id": rate.id,
            "base": rate.base,
            "quote": rate.quote,
            "micros": rate.micros,
            "as_of": micros(rate.as_of),
            "source": rate.source,
        }
        self._connection.execute(self._dialect.insert(rates).values(row).on_conflict_do_nothing())

    def devices(self) -> list[Device]:
        """Every device, as last seen."""
        found = []
        for row in self._connection.execute(select(devices.c.name, devices.c.body)):
            try:
                found.append(device_of(json.loads(row.body)))
            except OF_ONE_ROW:
                log.exception("the row of device %s cannot be read", row.name)
        return found

    def device(self, name: str) -> Device | None:
        """One device by name."""
        body = self._connection.execute(select(devices.c.body).where(devices.c.name == name)).scalar()
        return None if body is None else device_of(json.loads(body))

    def recoveries(self) -> dict[str, str]:
        """Backend -> recovery class."""
        return dict(self._connection.execute(select(devices.c.backend, devices.c.recovery).distinct()).all())

    def version(self) -> tuple[int, ...]:
        """Changes whenever something that routing looks at was written."""
        parts = (
            select(func.coalesce(func.max(devices.c.seen_at), 0)),
            select(func.count()).select_from(devices),
            select(func.count()).select_from(prices),
            select(func.count()).select_from(prices).where(prices.c.withdrawn),
            select(func.count()).select_from(rates),
            select(func.coalesce(func.max(pauses.c.at), 0)),
            select(func.count()).select_from(pauses),
        )
        return tuple(int(self._connection.execute(part).scalar_one()) for part in parts)

    def prices(self, at: datetime) -> list[tuple[Price, str]]:
        """(price, origin) of all rows in force at a time, oldest first."""
        in_force = (prices.c.as_of <= micros(at)) & ~prices.c.withdrawn
        query = select(prices).where(in_force).order_by(prices.c.as_of, prices.c.id)
        return [(_price_of(row), row.origin) for row in self._connection.execute(query)]

    def price(self, price_id: str) -> Price | None:
        """One price row."""
        row = self._connection.execute(select(prices).where(prices.c.id == price_id)).first()
        return None if row is None else _price_of(row)

    def pinned(self, price_id: str) -> tuple[Price, str] | None:
        """One price row with its origin."""
        row = self._connection.execute(select(prices).where(prices.c.id == price_id)).first()
        return None if row is None else (_price_of(row), row.origin)

    def published(self, device: str, at: datetime) -> Price | None:
        """The vendor's own newest row of a device at a time."""
        query = select(prices).where(prices.c.device == device, prices.c.origin == VENDOR, prices.c.as_of <= micros(at))
        row = self._connection.execute(query.order_by(prices.c.as_of.desc(), prices.c.id.desc()).limit(1)).first()
        return None if row is None else _price_of(row)

    def rate(self, rate_id: str) -> Rate | None:
        """One rate row."""
        row = self._connection.execute(select(rates).where(rates.c.id == rate_id)).first()
        return None if row is None else _rate_of(row)

    def rates(self, at: datetime) -> list[Rate]:
        """All rates in force at a time, oldest first."""
        query = select(rates).where(rates.c.as_of <= micros(at)).order_by(rates.c.as_of, rates.c.id)
        return [_rate_of(row) for row in self._connection.execute(query)]

    def pause(self, scope: str, reason: str, at: datetime, until: datetime | None) -> None:
        """Stop sending to a backend or device."""
        row = {"scope": scope, "reason": reason, "at": micros(at), "until": None if until is None else micros(until)}
        insert = self._dialect.insert(pauses).values(row)
        change = {name: insert.excluded[name] for name in row if name != "scope"}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["scope"], set_=change))

    def resume(self, scope: str) -> None:
        """Send again."""
        self._connection.execute(delete(pauses).where(pauses.c.scope == scope))

    def pauses(self, at: datetime) -> dict[str, str]:
        """Paused backends and devices with the reason."""
        rows = self._connection.execute(select(pauses))
        return {row.scope: row.reason for row in rows if row.until is None or row.until > micros(at)}

    def history(self, limit: int) -> list[tuple[str, str, str, int, int | None]]:
        """(job, device, state, at, billed run ms) of the moves of jobs that ended well lately, for forecasts."""
        oldest = select(jobs.c.id).order_by(jobs.c.id.desc()).offset(LOOKED_AT).limit(1).scalar_subquery()
        newest = (
            select(jobs.c.id, jobs.c.device, jobs.c.run_ms)
            .where(jobs.c.state == "succeeded", jobs.c.id > func.coalesce(oldest, ""))
            .order_by(jobs.c.id.desc())
            .limit(limit)
            .subquery()
        )
        query = select(newest.c.id, newest.c.device, events.c.after, events.c.at, newest.c.run_ms).join(
            events, events.c.job_id == newest.c.id
        )
        return [tuple(row) for row in self._connection.execute(query.order_by(events.c.seq))]

    def backlog(self) -> dict[str, int]:
        """Live jobs of ours per device."""
        query = select(jobs.c.device, func.count()).where(jobs.c.due_at.is_not(None)).group_by(jobs.c.device)
        return dict(self._connection.execute(query).all())


def _price_row(price: Price) -> dict[str, Any]:
    """Four columns where they say everything, so that the release before reads the same price; else ``terms``."""
    four = flattened(price)
    amounts = dict(zip(_FOUR, four or (0, 0, 0, 0), strict=True))
    return amounts | {
        "id": price.id,
        "device": price.device,
        "currency": price.currency,
        "terms": None if four else compact(terms_document(price)),
        "as_of": micros(price.as_of),
        "source": price.source,
    }


def _price_of(row: Row[Any]) -> Price:
    terms = {name: getattr(row, name) for name in _FOUR} if row.terms is None else json.loads(row.terms)
    return Price(
        id=row.id,
        device=row.device,
        currency=row.currency,
        as_of=moment(row.as_of),
        source=row.source,
        **terms_of(terms),
    )


def _rate_of(row: Row[Any]) -> Rate:
    return Rate(
        id=row.id, base=row.base, quote=row.quote, micros=row.micros, as_of=moment(row.as_of), source=row.source
    )
