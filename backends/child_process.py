"""How is one life of a child seen from the parent? All that is written to it or awaited from it has a deadline."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from backends import child_frame, storable

if TYPE_CHECKING:
    from collections.abc import Mapping

START_S = 120.0
MAX_REPLY_BYTES = 256 << 20
TAIL_BYTES = 8192

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
_spawners: dict[int, ThreadPoolExecutor] = {}


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
    """A started child. Not thread-safe but for ``kill``."""

    def __init__(self, target: str, limits: Limits, env: Mapping[str, str]) -> None:
        self._home = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=_homes()))
        self._noise = bytearray()
        self._killed: Reason | None = None
        self._born, self._spent_s = time.monotonic(), 0.0
        self._warm_bytes, self._most_bytes = 0, limits.memory_bytes
        self._bounds: dict[int, int] = {}
        settings = {"target": target, "home": str(self._home), "parent": os.getpid(), **dataclasses.asdict(limits)}
        self._popen = _spawn(settings, environment(self._home, limits.threads) | dict(env))
        pipes = (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        self._into, self._from, self._err = (pipe.fileno() for pipe in pipes if pipe is not None)
        for descriptor in (self._into, self._from, self._err):
            os.set_blocking(descriptor, False)

    def await_ready(self) -> None:
        """Return once the target is imported, warm and confined; log once what confinement this machine lacks."""
        ready = self._talk(b"", time.monotonic() + START_S)
        self._warm_bytes = self._believed(storable.amount(ready.get("mapped")))
        for note in child_frame.notes(ready):
            if note not in _said:
                _said.add(note)
                _log.warning("children run without %s", note)

    def allow(self, *, cpu_s: float, memory_bytes: int) -> None:
        """For the next exchange. The soft CPU limit counts a whole life in whole seconds: it moves with the spent."""
        spent = int(self._spent_s + cpu_s) + 1
        mapped = self._warm_bytes + min(memory_bytes, self._most_bytes)
        for which, (bound, most) in {
            resource.RLIMIT_CPU: (spent, resource.RLIM_INFINITY),
            resource.RLIMIT_AS: (mapped, self._warm_bytes + self._most_bytes),
        }.items():
            if self._bounds.get(which) != bound:
                self._bounds[which] = bound
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(self._popen.pid, which, (bound, most))

    def exchange(self, body: bytes, *, wall_s: float) -> dict[str, Any]:
        """Send one request, return its reply frame."""
        reply = self._talk(struct.pack("!I", len(body)) + body, time.monotonic() + wall_s)
        possible_s = (time.monotonic() - self._born + 1.0) * (os.cpu_count() or 1)
        self._spent_s = self._believed(child_frame.spent_s(reply, at_least=self._spent_s, at_most=possible_s))
        return reply

    def _believed(self, told: _Told | None) -> _Told:
        """What a frame said, or the end of a child that says what cannot be."""
        if told is None:
            self.kill("crash")
            raise self._death()
        return told

    def kill(self, reason: Reason) -> None:
        """End the whole process group; whoever waits for a reply sees ``ChildKilled(reason)``."""
        self._killed = self._killed or reason
        if self._popen.returncode is None:  # once reaped, the number may be another's
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def ended(self) -> bool:
        return self._popen.poll() is not None

    def tail(self) -> str:
        """The end of what its libraries printed."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._listen()
        return self._noise.decode(errors="replace")

    def discard(self) -> None:
        """Kill, reap, close, remove its folder."""
        self.kill("cancelled")
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(self._home, ignore_errors=True)

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
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not ready:
                self.kill("wall")
                raise self._death()
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
        try:
            status = self._popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill("crash")
            status = self._popen.wait()
        tail = self.tail()
        if self._killed is not None:
            return ChildKilled(self._killed, tail=tail)
        if status == -signal.SIGXCPU:
            return ChildKilled("cpu", tail=tail)
        # Nobody of ours sent SIGKILL: the kernel's out-of-memory killer did.
        if status == -signal.SIGKILL or "bad_alloc" in tail or "MemoryError" in tail or "allocate memory" in tail:
            return ChildKilled("memory", tail=tail)
        return ChildKilled("crash", tail=tail or f"exit status {status}")


def environment(home: Path, threads: int) -> dict[str, str]:
    """All that a child gets to see of the environment. Slow caches are shared, all else is its own."""
    cache = cache_folder()
    shared = {"NUMBA_CACHE_DIR": cache / "numba", "MPLCONFIGDIR": cache / "matplotlib"}
    for folder in shared.values():
        folder.mkdir(parents=True, exist_ok=True)
    counts = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    own = {name: str(home) for name in ("HOME", "TMPDIR", "PCVL_PERSISTENT_PATH")}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    passed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TZ") if name in os.environ}
    fixed = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "MPLBACKEND": "Agg", "MALLOC_ARENA_MAX": "2"}
    return {**passed, **own, **counts, **fixed, **{name: str(folder) for name, folder in shared.items()}}


def cache_folder() -> Path:
    """Where compiled kernels and font lists outlive a child; the only shared place that it may write."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "qsubmit"


def _homes() -> Path:
    """The folder of all children's folders; those whose parent was killed before it could tidy up go now."""
    homes = Path(tempfile.gettempdir()) / f"qsubmit-children-{os.getuid()}"
    homes.mkdir(mode=0o700, exist_ok=True)
    if homes.stat().st_uid != os.getuid():
        raise PermissionError(f"{homes} belongs to somebody else")
    if os.getpid() not in _spawners:
        for home in homes.iterdir():
            if not Path("/proc", home.name.partition("-")[0]).exists():
                shutil.rmtree(home, ignore_errors=True)
    return homes


def _spawn(settings: Mapping[str, Any], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "backends.child_main", json.dumps(settings)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=settings["home"],
            start_new_session=True,
            bufsize=0,
        )

    # On a thread that lives as long as we do: PR_SET_PDEATHSIG fires when the *thread* that forked ends, and a
    # caller's thread may be short-lived. By process id: a forked worker has not inherited the thread.
    if os.getpid() not in _spawners:
        _spawners[os.getpid()] = ThreadPoolExecutor(1, "child-spawner")
    return _spawners[os.getpid()].submit(start).result()
