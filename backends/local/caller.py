"""How does an adapter reach the host? Over kept connections; the host is started if absent, again if dead."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from backends.errors import BackendError, Busy, OutcomeUnknown
from backends.local import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

START_S = 20.0
TALK_S = 30.0
END_S = 5.0


class NotRunning(Busy):
    """There is no host."""


class Caller:
    """Requests to the host of one folder; thread-safe, and usable again in a forked process."""

    def __init__(self, data: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self._data = data
        wire.edition()  # read now: a release that is installed over this one while it runs must not change it
        self._arguments = tuple(arguments)
        self._environ = dict(environ)
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._pid = os.getpid()

    def ask_all(
        self, verb: str, arguments: Sequence[Any], *, timeout_s: float = TALK_S, start: bool = False
    ) -> list[Any]:
        """Several requests in one go; answers in their order.

        Raises:
            NotRunning: there is no host and none should be started; nothing was sent.
            Busy: the host cannot be started; nothing was sent.
            OutcomeUnknown: it went away, or fell silent, between request and answer.
        """
        frames = b"".join(wire.packed([number, verb, argument]) for number, argument in enumerate(arguments))
        with self._connection(start=start) as connection:
            connection.settimeout(timeout_s)
            try:
                sender = _sending(connection, frames)
                replies = [wire.receive(connection) for _ in arguments]
                sender()
            except OSError as error:
                raise OutcomeUnknown(f"the local host went away: {error}") from error
        for _, good, value in replies:
            if not good:
                raise OutcomeUnknown(f"the local host failed: {value}")
        return [value for _, _, value in replies]

    def close(self) -> None:
        """Close the connections; the host lives on for others, and ends when nobody is left."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def end_host(self) -> None:
        """End the host and what it runs, if there is one; returns when it is gone, or after a while."""
        try:
            (hello,) = self.ask_all("hello", [None], timeout_s=END_S)
        except BackendError:
            return
        self.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(hello["pid"], signal.SIGTERM)
        # It holds this lock as long as it lives; its pid may stay behind, as a zombie that another must reap.
        lock = os.open(self._data / wire.host_lock_name(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + END_S
        try:
            while not _locked(lock) and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def _connection(self, *, start: bool) -> Iterator[socket.socket]:
        connection = self._kept() or self._connected(start=start)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def _kept(self) -> socket.socket | None:
        """An idle connection whose other end is still there."""
        with self._lock:
            if self._pid != os.getpid():  # forked: these connections are the parent's
                self._pid, self._idle = os.getpid(), []
            while self._idle:
                connection = self._idle.pop()
                if _alive(connection):
                    return connection
                connection.close()
        return None

    def _connected(self, *, start: bool) -> socket.socket:
        with contextlib.suppress(OSError):
            return self._connect()
        if not start:
            raise NotRunning("the local host is not running", retry_after=1.0)
        return self._started()

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with wire.address(self._data) as address:
                connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection

    def _started(self) -> socket.socket:
        """Under a lock, so that of many workers one starts the host and the others find it."""
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._data / "local.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with contextlib.suppress(OSError):
                return self._connect()
            return self._await(self._spawn())
        finally:
            os.close(lock)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "backends.local.host", "--data", str(self._data), *self._arguments]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        log = os.open(self._data / "local.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**self._environ, "PYTHONPATH": path},
                start_new_session=True,
            )
        finally:
            os.close(log)

    def _await(self, process: subprocess.Popen[bytes]) -> socket.socket:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                connection = self._connect()
                _reap_later(process)
                return connection
            if process.poll() is not None and process.returncode:
                break
            time.sleep(0.01)
        raise Busy(f"the local host did not start; see {self._data / 'local.log'}")


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(connection: socket.socket) -> bool:
    """Nothing to read and no end: as an idle connection should be."""
    # Not MSG_DONTWAIT: on a socket with a timeout Python would wait for the whole of it all the same.
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    """The host outlives us or not; either way it must not stay a zombie while we live."""
    threading.Thread(target=process.wait, name="local-host-reaper", daemon=True).start()


def _sending(connection: socket.socket, frames: bytes) -> Callable[[], None]:
    """Send now if it is little; else beside the reading, or both ends would wait for each other."""
    if len(frames) < 1 << 16:
        connection.sendall(frames)
        return lambda: None
    thread = threading.Thread(target=connection.sendall, args=(frames,), daemon=True)
    thread.start()
    return thread.join
