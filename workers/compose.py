"""Where is a worker put together? Settings, engine, store, backends and driver: once per process, here."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from backends import registry
from broker.clock import hub_clock
from broker.queue import doorbell
from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from broker.tracing import tracing_of
from workers.drive import Driver
from workers.heart import heart_of
from workers.spans import Traced, TracedDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backends.base import Backend
    from broker.clock import Steady
    from broker.domain.device import Device
    from broker.settings import Settings
    from workers.heart import Heart

CATALOGUE_KEPT = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hands:
    """What one worker process works with."""

    settings: Settings
    store: Store
    backends: Mapping[str, Backend]
    driver: Driver
    owner: str
    clock: Steady
    heart: Heart | None = None


def known_devices(store: Store, clock: Callable[[], datetime]) -> Callable[[], Mapping[str, Device]]:
    """A reader of the device list that asks the database at most every few seconds."""
    kept: dict[str, Device] = {}
    read_at = datetime.min.replace(tzinfo=UTC)

    def read() -> Mapping[str, Device]:
        nonlocal kept, read_at
        if clock() - read_at > CATALOGUE_KEPT or not kept:
            with store.read() as work:
                kept = {device.name: device for device in work.catalogue.devices()}
            read_at = clock()
        return kept

    return read


def hands(settings: Settings) -> Hands:
    """A worker over the backends that this environment has."""
    engine = open_engine(settings.database)
    upgrade(engine)
    store = Store(engine, doorbell(settings.broker_url))
    clock = hub_clock(store)
    names = [name for name in settings.backends.split(",") if name] or None
    backends = registry.load(names, data=settings.data, environ=os.environ)
    owner = f"{socket.gethostname()}:{os.getpid()}"
    heart = heart_of(store, backends.values(), settings.data, dead=settings.terms.dead)
    if heart is not None:
        heart.beat(clock())  # nothing is begun on a host of which nobody has heard
        heart.keep_beating(clock)
    tracing = tracing_of(settings, "qsubmit-worker")
    make: Callable[..., Driver] = Driver
    if tracing is not None:
        backends = {name: Traced(backend, tracing, store) for name, backend in backends.items()}
        make = partial(TracedDriver, tracing)
    driver = make(
        store=store,
        backends=backends,
        owner=owner,
        terms=settings.terms,
        clock=clock,
        devices=known_devices(store, clock),
        heart=heart,
    )
    return Hands(
        settings=settings, store=store, backends=backends, driver=driver, owner=owner, clock=clock, heart=heart
    )
