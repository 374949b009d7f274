"""Is a worker doing its work? For container health checks: ``python -m workers.alive scan`` or ``listen``."""

from __future__ import annotations

import argparse
import socket
import sys
from datetime import timedelta

from broker.clock import hub_clock
from broker.queue import SilentDoorbell, celery_app
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.unit_of_work import Store

ANSWER_S = 5.0


def scanned(settings: Settings, later: timedelta = timedelta(0)) -> bool:
    """Whether, ``later`` than now, some scanner has finished a scan lately.

    One that hangs ends by itself and is started again.
    """
    store = Store(open_engine(settings.database), SilentDoorbell())
    at = hub_clock(store)() + later
    with store.read() as work:
        last = work.leases.successes().get("scan")
    store.engine.dispose()
    return last is not None and at - last < timedelta(seconds=settings.scan_stale_s)


def listening(settings: Settings, name: str) -> bool:
    """Whether the Celery worker of this container answers over the queue."""
    app = celery_app(settings.broker_url)
    return bool(app.control.ping(destination=[f"celery@{name}"], timeout=ANSWER_S))


def main(arguments: list[str]) -> int:
    """0 if it is."""
    parser = argparse.ArgumentParser(prog="python -m workers.alive", description="Say whether a worker works.")
    parser.add_argument("worker", choices=("scan", "listen"))
    asked = parser.parse_args(arguments).worker
    settings = Settings()
    if asked == "scan":
        return 0 if scanned(settings) else 1
    return 0 if listening(settings, socket.gethostname()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
