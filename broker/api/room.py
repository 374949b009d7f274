"""What do the doors lead to? Everything the composition root built, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from broker.api.guard import Places, RateLimit, Strangers
    from broker.api.lanes import SlowLane
    from broker.metrics import Metrics
    from broker.services.feed import Feed
    from broker.services.keys import Keys
    from broker.services.look import Look
    from broker.services.market import Market
    from broker.services.prepare import Preparation
    from broker.services.writer import Writer
    from broker.settings import Settings
    from broker.store.unit_of_work import Store
    from broker.tracing import Tracing


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The services of one gateway process."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    keys: Keys
    rate: RateLimit
    strangers: Strangers
    market: Market
    preparation: Preparation
    writer: Writer
    look: Look
    feed: Feed
    slow: SlowLane
    streams: Places
    downloads: Places
    metrics: Metrics
    tracing: Tracing | None = None
