"""Where do fresh children come from? From a template: a warm process that has seen no program and forks them."""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import child_home

if TYPE_CHECKING:
    from collections.abc import Mapping

START_S = 120.0
FORK_S = 30.0
NEWS_BYTES = 4096

_spawners: dict[int, ThreadPoolExecutor] = {}
_templates: dict[tuple[int, str, int, str], Template] = {}
_registry = threading.Lock()


class NoTemplate(OSError):
    """The template ended before it was warm, or before it forked; the text is the end of what it said."""


class Template:
    """One for each target, number of threads and environment, shared by all who run that target in this process.

    It starts with the first fork, again if it has died, and ends when nobody ``keep``s it any more. Thread-safe.
    """

    def __init__(self, target: str, threads: int, env: Mapping[str, str]) -> None:
        self._target, self._threads, self._env = target, threads, dict(env)
        self._users = 0
        self._turn = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._home: Path | None = None
        self._noise: Any = None

    def fork(self, order: Mapping[str, Any], ends: list[int]) -> None:
        """Have a child made with these four descriptors; it tells of itself by the last one.

        Raises:
            NoTemplate: the target cannot be imported, or there is no more memory or process number.
        """
        body = json.dumps(order).encode()
        attached = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", ends))]
        with self._turn:
            for last in (False, True):
                try:
                    self._running().sendmsg([body], attached)
                except OSError:
                    self._end()
                    if last:
                        raise
                    continue
                return

    def end(self) -> None:
        """Its children end with it."""
        with self._turn:
            self._end()

    def _running(self) -> socket.socket:
        if self._line is not None and self._popen is not None and self._popen.poll() is None:
            return self._line
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line, self._home = ours, child_home.new_home()
        self._noise = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the template
        with theirs:
            self._popen = _spawn(self._settings(), self._environment(), theirs.fileno(), self._noise.fileno())
        ours.settimeout(START_S)
        if not ours.recv(NEWS_BYTES):
            self._noise.seek(max(0, self._noise.tell() - NEWS_BYTES))
            raise NoTemplate(f"{self._target} cannot be warmed: {self._noise.read().decode(errors='replace')}")
        ours.settimeout(FORK_S)
        return ours

    def _settings(self) -> dict[str, Any]:
        assert self._home is not None  # noqa: S101  made a line before
        places = {"home": str(self._home), "template_home": str(self._home), "cache": str(cache_folder())}
        return {"target": self._target, "parent": os.getpid(), **places}

    def _environment(self) -> dict[str, str]:
        assert self._home is not None  # noqa: S101  as above
        return environment(self._home, self._threads) | self._env

    def _end(self) -> None:
        line, popen, home, noise = self._line, self._popen, self._home, self._noise
        self._line = self._popen = self._home = self._noise = None
        if line is not None:
            line.close()
        if popen is not None:
            popen.kill()
            popen.wait()
        if noise is not None:
            noise.close()
        if home is not None:
            child_home.remove(home)


def keep(target: str, threads: int, env: Mapping[str, str]) -> Template:
    """The template of these, until ``let_go``."""
    key = (os.getpid(), target, threads, json.dumps(dict(env), sort_keys=True))
    with _registry:
        found = _templates.setdefault(key, Template(target, threads, env))
        found._users += 1  # noqa: SLF001  the registry's own count
        return found


def let_go(template: Template) -> None:
    """The last one that keeps it ends it: warm libraries are large."""
    with _registry:
        template._users -= 1  # noqa: SLF001  as above
        if template._users:  # noqa: SLF001
            return
        for key in [key for key, each in _templates.items() if each is template]:
            del _templates[key]
    template.end()


def environment(home: Path, threads: int) -> dict[str, str]:
    """All that a template and its children get to see of the environment."""
    cache = cache_folder()
    shared = {"NUMBA_CACHE_DIR": cache / "numba", "MPLCONFIGDIR": cache / "matplotlib"}
    for folder in shared.values():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The linear algebra libraries would start their threads when they are imported, before the fork.
    counts = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "NUMBA")} | {"OMP_NUM_THREADS": str(threads)}
    own = {name: str(home) for name in ("HOME", "TMPDIR", "PCVL_PERSISTENT_PATH")}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    passed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TZ") if name in os.environ}
    fixed = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "MPLBACKEND": "Agg", "MALLOC_ARENA_MAX": "2"}
    return {**passed, **own, **counts, **fixed, **{name: str(folder) for name, folder in shared.items()}}


def cache_folder() -> Path:
    """Where compiled kernels and font lists outlive a template. No child may write there: the next would run it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "qsubmit"


def _spawn(settings: Mapping[str, Any], env: Mapping[str, str], line: int, noise: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "backends.child_main", json.dumps(settings)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=line, stdout=subprocess.DEVNULL, stderr=noise, env=env, cwd=settings["home"],
            start_new_session=True,
        )  # fmt: skip

    # On a thread that lives as long as we do: PR_SET_PDEATHSIG fires when the *thread* that forked ends, and a
    # caller's thread may be short-lived. By process id: a forked worker has not inherited the thread.
    if os.getpid() not in _spawners:
        _spawners[os.getpid()] = ThreadPoolExecutor(1, "child-spawner")
    return _spawners[os.getpid()].submit(start).result()
