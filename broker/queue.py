"""How are workers woken? A Celery message by task name, after the commit; it may be lost, and then it is late."""

from __future__ import annotations

import logging
import threading

from celery import Celery
from kombu.exceptions import KombuError

TICK = "qsubmit.tick"
VISIBILITY_S = 300
# RabbitMQ knows none of these: it redelivers when the connection is lost, and its client has its own time-outs.
REDIS_OPTIONS = {
    "visibility_timeout": VISIBILITY_S,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "max_retries": 1,
}
log = logging.getLogger("qsubmit.queue")


def celery_app(url: str) -> Celery:
    """The Celery application: JSON only, no results, late acknowledgement, one message at a time, short tasks."""
    app = Celery("qsubmit", broker=url or None, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=60,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        task_create_missing_queues=True,
        task_default_queue=queue_of("local"),
        broker_connection_retry_on_startup=True,
        broker_transport_options=REDIS_OPTIONS if url.startswith("redis") else {},
    )
    return app


def queue_of(backend: str) -> str:
    """The Celery queue of a backend."""
    return f"qsubmit.{backend}"


class CeleryDoorbell:
    """Rings from a thread of its own: at most one message per backend waits, however many jobs were committed."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._waiting: dict[str, set[str]] = {}
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self.lost = 0

    def ring(self, backend: str, job: str | None = None) -> None:
        """Return at once; never raise."""
        with self._lock:
            jobs = self._waiting.setdefault(backend, set())
            if job is not None:
                jobs.add(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
            self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._waiting:
                    self._lock.wait()
                ringing, self._waiting = self._waiting, {}
            for backend, jobs in ringing.items():
                self._send(backend, sorted(jobs))

    def _send(self, backend: str, jobs: list[str]) -> None:
        try:
            self._app.send_task(TICK, args=(jobs,), queue=queue_of(backend), retry=False)
        except (KombuError, OSError) as error:
            # The job is safe in the database and every worker scans: a silent bell makes it late, not lost.
            self.lost += 1
            log.warning("doorbell not heard", extra={"backend": backend, "error": type(error).__name__})


class SilentDoorbell:
    """No queue at all: the scans alone keep the service working."""

    lost = 0

    def ring(self, backend: str, job: str | None = None) -> None:
        """Nothing rings."""


def doorbell(url: str) -> CeleryDoorbell | SilentDoorbell:
    """The doorbell of a broker URL; silent without one."""
    return CeleryDoorbell(celery_app(url)) if url else SilentDoorbell()
