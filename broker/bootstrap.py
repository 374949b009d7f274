"""Where is the gateway put together? Settings, engine, store, queue, services, application: once, here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from broker import logs
from broker.api.app import build
from broker.api.guard import Places, RateLimit, Strangers
from broker.api.lanes import SlowLane
from broker.api.room import Room
from broker.clock import hub_clock
from broker.heap import collect_rarely
from broker.metrics import Metrics
from broker.queue import doorbell
from broker.services.feed import Feed
from broker.services.issue import Issuer
from broker.services.keys import Keys
from broker.services.market import Market
from broker.services.prepare import Preparation
from broker.services.readiness import Readiness
from broker.services.submit import Admitter
from broker.services.traced import TracedAdmitter
from broker.services.writer import Writer
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from broker.tracing import tracing_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from broker.clock import Steady

STREAMS, STREAMS_EACH = 500, 20  # open at once, together and by one member
DOWNLOADS, DOWNLOADS_EACH = 32, 8  # of results that are sent in pieces, each of which holds a few MiB


def open_store(settings: Settings) -> Store:
    """The database at the newest schema, with the doorbell that its commits ring."""
    engine = open_engine(settings.database)
    upgrade(engine)
    return Store(engine, doorbell(settings.broker_url))


def open_room(settings: Settings, store: Store, *, clock: Steady | None = None) -> Room:
    """The services of a gateway; ``clock`` is the hub's unless given."""
    clock = clock or hub_clock(store)
    market, keys = Market(store), Keys(store, settings.secret())
    tracing = tracing_of(settings, "qsubmit-gateway")
    admitter = Admitter(store, clock) if tracing is None else TracedAdmitter(store, clock, tracing)
    return Room(
        settings=settings,
        store=store,
        clock=clock,
        keys=keys,
        issuer=Issuer(store, keys, clock),
        rate=RateLimit(settings.rate_per_s, settings.rate_burst),
        strangers=Strangers(),
        market=market,
        preparation=Preparation(store, market),
        writer=Writer(admitter),
        readiness=Readiness(store, clock, stale=timedelta(seconds=settings.scan_stale_s)),
        feed=Feed(store),
        slow=SlowLane(),
        probes=SlowLane(at_once=1),  # of its own: a full lane must not make a gateway look dead
        streams=Places("streams", most=STREAMS, each=STREAMS_EACH),
        downloads=Places("large results", most=DOWNLOADS, each=DOWNLOADS_EACH),
        metrics=Metrics(),
        tracing=tracing,
    )


def gateway() -> FastAPI:
    """The application as a factory: ``uvicorn --factory broker.bootstrap:gateway``."""
    settings = Settings()
    logs.configure(settings.log_level, as_json=settings.log_json)
    app = build(open_room(settings, open_store(settings)))
    collect_rarely()
    return app
