"""How does a worker hear doorbells? A Celery worker with forked processes, one queue per backend."""

from __future__ import annotations

import gc
import mmap
import sys
from functools import partial

from celery.signals import worker_before_create_process, worker_shutting_down

from backends import registry
from broker import logs
from broker.queue import celery_app, queue_of
from broker.settings import Settings
from workers.compose import hands
from workers.tasks import PerProcess, register


def main(arguments: list[str]) -> None:
    """``python -m workers.listen [CELERY OPTIONS]``; needs QSUBMIT_BROKER_URL."""
    settings = Settings()
    logs.configure(settings.log_level, as_json=settings.log_json)
    app = celery_app(settings.broker_url)
    # The forked children never see the signal, so they share a byte with their parent. Not an Event of
    # multiprocessing: a child that is killed while it looks would keep its lock for ever.
    stopping = mmap.mmap(-1, 1)
    worker_shutting_down.connect(lambda **_: stopping.__setitem__(0, 1), weak=False)
    # What is there before the fork is shared, as long as no collection walks it and writes to each of its heads.
    worker_before_create_process.connect(lambda **_: gc.freeze(), weak=False)
    register(app, PerProcess(partial(hands, settings)), stopping=lambda: bool(stopping[0]))
    names = [name for name in settings.backends.split(",") if name] or list(registry.available())
    queues = ",".join(queue_of(name) for name in names)
    options = [
        "--quiet",
        "worker",
        "-Q",
        queues,
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "-l",
        "WARNING",
    ]
    app.worker_main([*options, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
