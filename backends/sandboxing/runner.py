"""When does a sandbox's task run? First come first served per device, after the knobs' delays, in child processes."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from backends.sandboxing.clock import now as vendor_now
from backends.sandboxing.knobs import Knobs
from backends.sandboxing.tasks import State, Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)
_NAP_S = 0.2
_STEP_S = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What a run gave: the result's text in the vendor's form, and the run time that the vendor would report."""

    result: str
    run_ms: int


class RunFailed(Exception):
    """The program failed on the device; the text is the vendor's failure reason."""


class Runner:
    """A dispatcher thread and ``lanes`` runner threads; each device runs one task at a time."""

    def __init__(self, tasks: Tasks, knobs: Knobs, run: Callable[[Task], Finished], *, lanes: int = 2) -> None:
        self._tasks = tasks
        self._knobs = knobs
        self._run = run
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="sandbox-lane")
        self._lanes = lanes
        self._bell = threading.Event()
        self._stopped = threading.Event()
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._dispatch, name="sandbox-dispatch", daemon=True)

    def start(self) -> None:
        """Take up what a killed sandbox left, then serve."""
        self._tasks.requeue_running()
        self._thread.start()

    def ring(self) -> None:
        """Something may be due: look now."""
        self._bell.set()

    def idle(self) -> bool:
        """Whether nothing waits or runs, and no knob is turned: a sandbox that ends now forgets nothing."""
        waiting = self._tasks.in_state(State.HELD, State.QUEUED, State.RUNNING)
        return not waiting and not self._busy and self._knobs.now == Knobs().now

    def halt(self) -> None:
        """Start and end nothing more: runs that are killed after this stay as running as they were."""
        self._stopped.set()
        self._bell.set()

    def stop(self) -> None:
        """End the threads; tasks stay as they are."""
        self.halt()
        self._thread.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _dispatch(self) -> None:
        while not self._stopped.is_set():
            nap = self._start_due()
            self._bell.wait(nap)
            self._bell.clear()

    def _start_due(self) -> float:
        """Start what is due; seconds until something else may be."""
        setting, now, nap = self._knobs.now, vendor_now(), _NAP_S
        heads: set[str] = set()
        for task in self._tasks.in_state(State.QUEUED):
            if task.device in heads or task.device in setting.offline:
                continue
            heads.add(task.device)
            wait = task.created_at + setting.queue_delay - now
            if wait > 0:
                nap = min(nap, wait)
            elif self._take_lane(task.device):
                self._start(task)
        return max(nap, 0.005)

    def _take_lane(self, device: str) -> bool:
        with self._lock:
            if device in self._busy or len(self._busy) >= self._lanes:
                return False
            self._busy.add(device)
            return True

    def _start(self, task: Task) -> None:
        running = self._tasks.move(task.id, State.RUNNING, of=(State.QUEUED,))
        if running is None:
            self._leave_lane(task.device)
            return
        self._pool.submit(self._drive, running)

    def _leave_lane(self, device: str) -> None:
        with self._lock:
            self._busy.discard(device)
        self._bell.set()

    def _drive(self, task: Task) -> None:
        try:
            self._finish(task)
        except Exception as error:  # noqa: BLE001  a lane must outlive a simulator bug
            _LOG.exception("sandbox task %s", task.id)
            self._tasks.move(task.id, State.FAILED, of=(State.RUNNING,), failure=f"internal error: {error}"[:500])
        finally:
            self._leave_lane(task.device)

    def _finish(self, task: Task) -> None:
        started = time.monotonic()
        unlucky = Random(task.id).random() < self._knobs.now.fail_rate  # noqa: S311  a repeatable draw, no secret
        try:
            if self._knobs.draw_failure() or unlucky:
                raise RunFailed("the device failed (sandbox knob)")  # noqa: TRY301  one way to fail
            finished = self._run(task)
        except RunFailed as failure:
            self._dwell(task, started)
            self._end_unless_stopped(task, State.FAILED, failure=str(failure)[:1000])
            return
        self._dwell(task, started)
        self._end_unless_stopped(task, State.DONE, finished=finished)

    def _dwell(self, task: Task, started: float) -> None:
        """Stay on the device for the knob's run delay, but leave when the task is cancelled or the knob is turned."""
        while time.monotonic() - started < self._knobs.now.run_delay:
            present = self._tasks.get(task.id)
            if present is None or present.state is not State.RUNNING or self._stopped.wait(_STEP_S):
                return

    def _end_unless_stopped(
        self, task: Task, to: State, *, failure: str = "", finished: Finished | None = None
    ) -> None:
        if self._stopped.is_set():
            return
        result, run_ms = (finished.result, finished.run_ms) if finished else (None, 0)
        self._tasks.move(task.id, to, of=(State.RUNNING,), failure=failure, result=result, run_ms=run_ms)
