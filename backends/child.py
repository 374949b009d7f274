"""How does foreign code run without harming us? In a warm child process with limits, called by JSON over pipes."""

from __future__ import annotations

import json
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from backends import child_template, storable
from backends.child_process import ChildKilled, Limits, Process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.child_template import Template

__all__ = ["Child", "ChildError", "ChildKilled", "ChildPool", "Limits"]


class ChildError(Exception):
    """The function raised: its type's name and message, and where in the program if the error knew.

    All of it comes from the child: it is of the right types, bounded and storable, and true only as far as that.
    """

    def __init__(self, *, kind: object, message: object, where: Mapping[str, Any], tail: str) -> None:
        self.type = storable.name(kind) or "Exception"
        self.message = storable.text(message)
        super().__init__(f"{self.type}: {self.message}")
        self.tail = tail
        self.code = storable.code(where.get("code"), "") or None
        self.line = storable.place(where.get("line"))
        self.column = storable.place(where.get("column"))
        self.pointer = storable.pointer(where.get("pointer"))


class Child:
    """One warm process that serves ``target`` ("package.module:function", a ``dict -> dict``), one call at a time.

    A ``warm()`` beside the function runs once, in the template that children are forked from; it must leave no thread.
    The process starts with ``start`` or the first call, and again after a kill, and for every other owner: what a
    program of one did to it, no program of another meets. Thread-safe; ``stop`` may come from another thread.
    ``used_s`` are the processor seconds of the last call as the kernel counts them, whatever the child says.
    """

    def __init__(self, target: str, limits: Limits, *, env: Mapping[str, str] | None = None) -> None:
        self.target = target
        self.limits = limits
        self.owner: str | None = None
        self.used_s = 0.0
        self._env = dict(env or {})
        self._turn = threading.Lock()
        self._template: Template | None = None
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Its number here, while it lives; in its own namespace it may be 1."""
        process = self._process
        return process.pid if process is not None and not process.ended() else None

    def start(self) -> None:
        """Be warm when this returns."""
        with self._turn:
            self._running()

    def lacks(self) -> tuple[str, ...]:
        """The walls (``backends.walls``) that it stands without on this machine."""
        with self._turn:
            return self._running().lacks

    def call(
        self,
        request: Mapping[str, Any],
        *,
        owner: str | None = None,
        wall_s: float | None = None,
        cpu_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> dict[str, Any]:
        """The function's value; the time that a start takes does not count. Bounds may be below those of ``Limits``.

        ``owner`` is whose program this is; without one the process serves this call and no other.

        Raises:
            ChildKilled: a limit was passed or the process crashed.
            ChildError: the function raised.
        """
        body, limits = json.dumps(request).encode(), self.limits
        with self._turn:
            process = self._process_of(owner)
            try:
                process.allow(cpu_s=cpu_s or limits.cpu_s, memory_bytes=memory_bytes or limits.memory_bytes)
                reply = process.exchange(body, wall_s=min(wall_s or limits.wall_s, limits.wall_s))
            except BaseException:
                self._drop()
                raise
            self.used_s, tail = process.used_s, process.tail()
            if owner is None:
                self._drop()
            fault, value = reply.get("error"), reply.get("value")
            if isinstance(fault, dict):
                raise ChildError(kind=fault.get("type"), message=fault.get("message"), where=fault, tail=tail)
            if not isinstance(value, dict):
                # Only a child that is no longer ours says this: it must serve nobody else.
                self._drop()
                raise ChildKilled("crash", tail="its reply was neither a value nor an error")
        return value

    def stop(self) -> None:
        """Kill the running call, if any; its caller sees ``ChildKilled("cancelled")``."""
        process = self._process
        if process is not None:
            process.kill("cancelled")

    def close(self) -> None:
        """End the process, and its template if nobody else needs that; a later call would start both again."""
        self.stop()
        with self._turn:
            self._drop()
            template, self._template = self._template, None
        if template is not None:
            child_template.let_go(template)

    def _process_of(self, owner: str | None) -> Process:
        """One that has seen no program but the owner's."""
        if self.owner is not None and self.owner != owner:
            self._drop()
        process = self._running()
        self.owner = owner
        return process

    def _running(self) -> Process:
        if self._process is not None and not self._process.ended():
            return self._process
        self._drop()
        if self._template is None:
            self._template = child_template.keep(self.target, self.limits.threads, self._env)
        try:
            self._process = process = Process(self._template, self.limits)
        except OSError as error:
            raise ChildKilled("crash", tail=str(error)) from error
        try:
            process.await_ready()
        except BaseException:
            self._drop()
            raise
        return process

    def _drop(self) -> None:
        process, self._process, self.owner = self._process, None, None
        if process is not None:
            process.discard()


class ChildPool:
    """``size`` children behind one ``call`` for any number of threads, first come first served."""

    def __init__(self, target: str, size: int, limits: Limits, *, env: Mapping[str, str] | None = None) -> None:
        self._all = [Child(target, limits, env=env) for _ in range(size)]
        self._idle = list(self._all)
        self._queue: deque[Future[Child]] = deque()
        self._lock = threading.Lock()

    def call(
        self,
        request: Mapping[str, Any],
        *,
        owner: str | None = None,
        wall_s: float | None = None,
        cpu_s: float | None = None,
    ) -> dict[str, Any]:
        """As ``Child.call``; time in the queue does not count either."""
        child = self._take(owner)
        try:
            return child.call(request, owner=owner, wall_s=wall_s, cpu_s=cpu_s)
        finally:
            self._give(child)

    def close(self) -> None:
        """End all processes; calls under way see ``ChildKilled("cancelled")``."""
        for child in self._all:
            child.close()

    def _take(self, owner: str | None) -> Child:
        """The owner's own if it is idle, else a free one, else the one that was used longest ago."""
        with self._lock:
            if self._idle:
                chosen = next((child for child in self._idle if owner and child.owner == owner), None)
                chosen = chosen or next((child for child in self._idle if child.owner is None), self._idle[0])
                self._idle.remove(chosen)
                return chosen
            place: Future[Child] = Future()
            self._queue.append(place)
        return place.result()

    def _give(self, child: Child) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set_result(child)
                return
            self._idle.append(child)
