"""What does routing look at now? One immutable snapshot of devices, prices, rates, pauses and forecasts."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.eta import forecast
from broker.domain.snapshot import Snapshot
from broker.store.catalogue import OPERATOR
from broker.store.rows import compact
from broker.store.snapshot_text import pieces_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from broker.domain.device import Device
    from broker.domain.money import Rate
    from broker.domain.pieces import Pieces
    from broker.domain.price import Price
    from broker.domain.snapshot import Forecast
    from broker.store.catalogue import Catalogue
    from broker.store.unit_of_work import Store

FRESH = timedelta(seconds=5)
HISTORY_JOBS = 500
HISTORY_KEPT = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """A snapshot with its name (the hash of its document), its text, and the counters of its tiered prices."""

    id: str
    snapshot: Snapshot
    text: str
    counters: frozenset[str] = frozenset()

    def pieces(self) -> Pieces:
        """The text, cut so that snapshots share what did not change between them."""
        return pieces_of(self.snapshot, self.text)


class Market:
    """Keeps the newest snapshot, at most ``FRESH`` old; readers share one immutable value."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading = threading.Lock()
        self._posted: Posted | None = None
        self._history: tuple[datetime, Mapping[str, tuple[list[float], list[float]]]] | None = None

    def now(self, at: datetime) -> Posted:
        """The snapshot to decide on."""
        posted = self.fresh(at)
        if posted is not None:
            return posted
        # One reads for all: else everybody who asks while it is old would read the same at the same time.
        with self._reading:
            posted = self.fresh(at)
            if posted is None:
                posted = self._posted = self._read(at)
            return posted

    def fresh(self, at: datetime) -> Posted | None:
        """The kept snapshot if it is still fresh; never reads."""
        posted = self._posted
        return posted if posted is not None and at - posted.snapshot.at < FRESH else None

    @property
    def latest(self) -> Posted | None:
        """The newest snapshot, however old; None before the first read."""
        return self._posted

    def _read(self, at: datetime) -> Posted:
        with self._store.read() as work:
            devices = tuple(priced(work.catalogue, at))
            counters = frozenset(d.price.counter for d in devices if d.price is not None and d.price.counter)
            snapshot = Snapshot(
                at=at,
                devices=devices,
                forecasts=self._forecasts(work.catalogue, devices, at),
                rates=_rates(work.catalogue, at),
                paused=work.catalogue.pauses(at),
                standings=work.counters.standings(counters, at) if counters else {},
            )
        text = compact(snapshot.document())
        return Posted(id=hashlib.sha256(text.encode()).hexdigest(), snapshot=snapshot, text=text, counters=counters)

    def _forecasts(self, catalogue: Catalogue, devices: tuple[Device, ...], at: datetime) -> dict[str, Forecast]:
        if self._history is None or at - self._history[0] >= HISTORY_KEPT:
            self._history = (at, experience(catalogue.history(HISTORY_JOBS)))
        seen, backlog = self._history[1], catalogue.backlog()
        return {
            device.name: forecast(*_open_waits(device, seen), device=device, ahead=backlog.get(device.name, 0))
            for device in devices
        }


def experience(moves: list[tuple[str, str, str, int, int | None]]) -> dict[str, tuple[list[float], list[float]]]:
    """(seconds waited, seconds run) of ended jobs by device, from their moves in order.

    A job whose vendor reports no run time says nothing about either.
    """
    begun: dict[str, int] = {}
    seen: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for job, device, state, at, run_ms in moves:
        begun.setdefault(job, at)
        if state == "fetching" and run_ms:
            waits, runs = seen[device]
            waits.append(max(0.0, (at - begun[job]) / 1e6 - run_ms / 1000))
            runs.append(run_ms / 1000)
    return dict(seen)


def _open_waits(device: Device, seen: Mapping[str, tuple[list[float], list[float]]]) -> tuple[list[float], list[float]]:
    """A device with closed hours: what our jobs waited contains them, and a forecast must not count them twice."""
    waits, runs = seen.get(device.name, ([], []))
    return ([], runs) if device.windows else (waits, runs)


def priced(catalogue: Catalogue, at: datetime) -> list[Device]:
    """Devices by name with the price in force: the operator's newest row, else the vendor's newest."""
    prices: dict[str, tuple[bool, Price]] = {}
    for price, origin in catalogue.prices(at):
        ours = origin == OPERATOR
        if price.device not in prices or ours >= prices[price.device][0]:
            prices[price.device] = (ours, price)
    found = sorted(catalogue.devices(), key=lambda device: device.name)
    return [replace(d, price=prices[d.name][1]) if d.name in prices else d for d in found]


def _rates(catalogue: Catalogue, at: datetime) -> dict[tuple[str, str], Rate]:
    return {(rate.base, rate.quote): rate for rate in catalogue.rates(at)}


def load_snapshot(text: str) -> Snapshot:
    """The snapshot of a stored text."""
    return Snapshot.load(json.loads(text))
