"""What does ``qsubmit up`` do once, with libraries that it does not need after? Each of these in a forked child."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from backends import registry
from broker.settings import Settings
from broker.store.catalogue import Catalogue
from broker.store.engine import open_engine
from workers import seeding

log = logging.getLogger("qsubmit.up")
DEVICES_S = 60.0


def first_start(data: str, seeds: str | None) -> None:
    """The schema, the seeds and the first keys."""
    seeding.first_start(Settings(), Path(data), None if seeds is None else Path(seeds))


def await_devices() -> None:
    """Wait until every backend has reported its devices once; one that is silent is left to report later."""
    settings = Settings()
    engine = open_engine(settings.database)
    names = [name for name in settings.backends.split(",") if name] or None
    expected = set(registry.load(names, data=settings.data, environ=os.environ))
    deadline, silent = time.monotonic() + DEVICES_S, expected
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            silent = expected - Catalogue(connection).recoveries().keys()
        if not silent:
            break
        time.sleep(0.1)
    else:
        log.warning("no devices yet from %s", ", ".join(sorted(silent)))
    engine.dispose()
