"""What does a Celery message do? It means "look now"; the task does what a scan does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from broker.heap import collect_rarely
from broker.queue import TICK

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from workers.compose import Hands

ROUNDS = 100


class PerProcess:
    """Makes a value once per process: what is made before a fork is not used after it."""

    def __init__(self, make: Callable[[], Hands]) -> None:
        self._make = make
        self._made: tuple[int, Hands] | None = None

    def __call__(self) -> Hands:
        """The value of this process."""
        if self._made is None or self._made[0] != os.getpid():
            self._made = (os.getpid(), self._make())
            collect_rarely()
        return self._made[1]


def register(app: Celery, hands: PerProcess, *, stopping: Callable[[], bool]) -> None:
    """Give the application its tasks, by explicit names; none begins another round once the worker is stopping."""

    @app.task(name=TICK)
    def tick(jobs: list[str]) -> None:
        rung: list[str] = jobs
        for _ in range(ROUNDS):
            if stopping() or not hands().driver.tick(rung):
                return
            rung = []
