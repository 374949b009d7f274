"""What do the doors lead to? Everything the composition root built, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.api.guard import Places, RateLimit, Strangers
    from broker.api.lanes import SlowLane
    from broker.clock import Steady
    from broker.metrics import Metrics
    from broker.services.feed import Feed
    from broker.services.issue import Issuer
    from broker.services.keys import Keys
    from broker.services.market import Market
    from broker.services.prepare import Preparation
    from broker.services.readiness import Readiness
    from broker.services.writer import Writer
    from broker.settings import Settings
    from broker.store.unit_of_work import Store
    from broker.tracing import Tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The services of one gateway process."""

    settings: Settings
    store: Store
    clock: Steady
    keys: Keys
    issuer: Issuer
    rate: RateLimit
    strangers: Strangers
    market: Market
    preparation: Preparation
    writer: Writer
    readiness: Readiness
    feed: Feed
    slow: SlowLane
    probes: SlowLane
    streams: Places
    downloads: Places
    metrics: Metrics
    tracing: Tracing | None = None
