"""How is one life of a child seen from the parent? All that is written to it or awaited from it has a deadline."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import resource
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from backends import child_frame, child_home, storable
from backends.apart import CPU_EXIT
from backends.child_template import FORK_S, NEWS_BYTES, START_S, NoTemplate
from backends.walls import WALLS

if TYPE_CHECKING:
    from backends.child_template import Template

END_S = 5.0
MAX_REPLY_BYTES = 256 << 20
TAIL_BYTES = 8192
# The kernel's limit is a signal, which a child may refuse to hear: then it has so long, and we look so often.
CPU_GRACE_S = 1.0
LOOK_S = 1.0

_Told = TypeVar("_Told")
Reason = Literal["wall", "cpu", "memory", "crash", "cancelled"]

KILLED: dict[Reason, str] = {
    "wall": "stopped: it ran longer than allowed",
    "cpu": "stopped: it used more processor time than allowed",
    "memory": "stopped: it needed more memory than allowed",
    "crash": "the process crashed",
    "cancelled": "stopped: cancelled",
}

_log = logging.getLogger(__name__)
_said: set[str] = set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds of one child. ``memory_bytes`` come on top of what the warm libraries map; CPU and wall are per call."""

    memory_bytes: int
    cpu_s: float
    wall_s: float
    open_files: int = 64
    file_bytes: int = 64 << 20
    threads: int = 1


class ChildKilled(Exception):
    """The call ended with its process; the next call gets a new one. ``tail`` is the end of what it printed."""

    def __init__(self, reason: Reason, *, tail: str = "") -> None:
        super().__init__(KILLED[reason])
        self.reason = reason
        self.tail = tail


class Process:
    """A started child. Not thread-safe but for ``kill``. ``used_s`` are the processor seconds of the last exchange."""

    def __init__(self, template: Template, limits: Limits) -> None:
        self._home = child_home.new_home()
        self._noise = bytearray()
        self._killed: Reason | None = None
        self._born, self._spent_s = time.monotonic(), 0.0
        self._warm_bytes, self._most_bytes = 0, limits.memory_bytes
        self._most_cpu_s, self._look_at, self.used_s = math.inf, self._born + LOOK_S, 0.0
        self._bounds: dict[int, int] = {}
        self._status: int | None = None
        self.lacks: tuple[str, ...] = ()
        news, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (requests, self._into), (self._from, replies), (self._err, errors) = os.pipe(), os.pipe(), os.pipe()
        given = [requests, replies, errors]
        self._news = news
        try:
            template.fork({"home": str(self._home), **bounds_of(limits)}, [*given, theirs.fileno()])
            self.pid = self._told(FORK_S)["pid"]
        except BaseException as error:
            self.pid = 0
            self.discard()
            if isinstance(error, TimeoutError):
                # It hangs, and would for everybody who comes after: the next one finds a new template.
                template.end()
            raise
        finally:
            theirs.close()
            for end in given:
                os.close(end)
        for descriptor in (self._into, self._from, self._err):
            os.set_blocking(descriptor, False)

    def await_ready(self) -> None:
        """Return once it stands behind its walls; log once which of them this machine lacks."""
        ready = self._talk(b"", time.monotonic() + START_S)
        self._warm_bytes, self.lacks = self._believed(storable.amount(ready.get("mapped"))), child_frame.lacks(ready)
        for wall in self.lacks:
            if wall not in _said:
                _said.add(wall)
                _log.warning("children run without the wall %r: %s", wall, WALLS[wall])

    def allow(self, *, cpu_s: float, memory_bytes: int) -> None:
        """For the next exchange. The soft CPU limit counts a whole life in whole seconds: it moves with the spent."""
        spent = int(self._used_s() + cpu_s) + 1
        self._most_cpu_s = spent + CPU_GRACE_S
        mapped = self._warm_bytes + min(memory_bytes, self._most_bytes)
        for which, (bound, most) in {
            resource.RLIMIT_CPU: (spent, resource.RLIM_INFINITY),
            resource.RLIMIT_AS: (mapped, self._warm_bytes + self._most_bytes),
        }.items():
            if self._bounds.get(which) != bound:
                self._bounds[which] = bound
                # The starter reaps it when we say so: until then the number is nobody else's.
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(self.pid, which, (bound, most))

    def exchange(self, body: bytes, *, wall_s: float) -> dict[str, Any]:
        """Send one request, return its reply frame."""
        before_s = self._used_s()
        reply = self._talk(struct.pack("!I", len(body)) + body, time.monotonic() + wall_s)
        self.used_s = max(0.0, self._used_s() - before_s)
        possible_s = (time.monotonic() - self._born + 1.0) * (os.cpu_count() or 1)
        self._spent_s = self._believed(child_frame.spent_s(reply, at_least=self._spent_s, at_most=possible_s))
        return reply

    def _used_s(self) -> float:
        """Processor seconds of its whole life as the kernel counts them, and as it tells once it has ended."""
        with contextlib.suppress(OSError):
            if self._status is None:
                return time.clock_gettime(_processor_clock(self.pid))
        return self._spent_s

    def _believed(self, told: _Told | None) -> _Told:
        """What a frame said, or the end of a child that says what cannot be."""
        if told is None:
            self.kill("crash")
            raise self._death()
        return told

    def kill(self, reason: Reason) -> None:
        """End it; whoever waits for a reply sees ``ChildKilled(reason)``. It can have no process of its own."""
        self._killed = self._killed or reason
        with contextlib.suppress(ProcessLookupError):
            if self.pid and self._status is None:
                os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> bool:
        return self._status is not None or bool(select.select([self._news], [], [], 0)[0])

    def tail(self) -> str:
        """The end of what its libraries printed."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._listen()
        return self._noise.decode(errors="replace")

    def discard(self) -> None:
        """Kill, let it be reaped, close, remove its folder."""
        self.kill("cancelled")
        if self.pid and self._status is None:
            self._await_end(END_S)
        self.pid = 0
        self._news.close()
        for descriptor in (self._into, self._from, self._err):
            os.close(descriptor)
        child_home.remove(self._home)

    def _told(self, within_s: float) -> dict[str, Any]:
        """What its starter says next; an end without words is a death with the template."""
        self._news.settimeout(within_s)
        said = self._news.recv(NEWS_BYTES)
        news: dict[str, Any] = json.loads(said) if said else {"status": -signal.SIGKILL}
        self._status = news.get("status")
        if not said and not hasattr(self, "pid"):
            raise NoTemplate("the template ended while it made a child")
        return news

    def _await_end(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            self._told(within_s)
        return self._status is not None

    def _talk(self, out: bytes, deadline: float) -> dict[str, Any]:
        """Write ``out`` and read one frame, draining what the libraries print so that they never block on it."""
        rest, got, size = memoryview(out), bytearray(), None
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        poll.register(self._err, select.POLLIN)
        if rest:
            rest = self._send(rest)
        if rest:
            poll.register(self._into, select.POLLOUT)
        while size is None or len(got) < size:
            ready = dict(poll.poll(self._within_limits_s(deadline) * 1000))
            if self._err in ready and not self._listen():
                poll.unregister(self._err)
            if self._into in ready:
                rest = self._send(rest)
                if not rest:
                    poll.unregister(self._into)
            if self._from in ready:
                size = self._receive(got, size)
        reply = self._believed(child_frame.opened(got))
        if "killed" in reply:
            self._killed = "memory"  # the only end that a child tells of itself
            raise self._death()
        return reply

    def _within_limits_s(self, deadline: float) -> float:
        """How long to wait until the next look at the limits; ends a child that has passed one.

        Asked in every round, and not only of a silent one: who never stops printing always has something for us.
        """
        now = time.monotonic()
        if now >= deadline:
            self.kill("wall")
            raise self._death()
        if now >= self._look_at:
            if self._used_s() > self._most_cpu_s:
                self.kill("cpu")
                raise self._death()
            self._look_at = now + LOOK_S
        return min(deadline, self._look_at) - now

    def _send(self, rest: memoryview) -> memoryview:
        try:
            return rest[os.write(self._into, rest) :]
        except BlockingIOError:
            return rest
        except BrokenPipeError:
            return rest[len(rest) :]  # it died: reading says how

    def _receive(self, got: bytearray, size: int | None) -> int | None:
        chunk = os.read(self._from, 1 << 20)
        if not chunk:
            raise self._death()
        got += chunk
        if size is None and len(got) >= 4:  # noqa: PLR2004  a frame's length
            (size,) = struct.unpack_from("!I", got)
            del got[:4]
            if size is None or size > MAX_REPLY_BYTES:
                self.kill("crash")
                raise self._death()
        return size

    def _listen(self) -> bool:
        chunk = os.read(self._err, 1 << 16)
        self._noise += chunk
        del self._noise[:-TAIL_BYTES]
        return bool(chunk)

    def _death(self) -> ChildKilled:
        """Why did it end? Our own word first, then the signal, then what it printed."""
        if self._status is None and not self._await_end(END_S):
            self.kill("crash")
            self._await_end(END_S)
        status = self._status
        tail = self.tail()
        if self._killed is not None:
            return ChildKilled(self._killed, tail=tail)
        if status in (CPU_EXIT, -signal.SIGXCPU):
            return ChildKilled("cpu", tail=tail)
        # Nobody of ours sent SIGKILL: the kernel's out-of-memory killer did.
        if status == -signal.SIGKILL or "bad_alloc" in tail or "MemoryError" in tail or "allocate memory" in tail:
            return ChildKilled("memory", tail=tail)
        return ChildKilled("crash", tail=tail or f"exit status {status}")


def _processor_clock(pid: int) -> int:
    """The kernel's clock of what a process has used, threads that have ended among it (clock_getcpuclockid)."""
    return (~pid << 3) | 2


def bounds_of(limits: Limits) -> dict[str, int]:
    """What a child sets for itself before it closes the doors."""
    return {
        "memory_bytes": limits.memory_bytes,
        "open_files": limits.open_files,
        "file_bytes": limits.file_bytes,
    }
