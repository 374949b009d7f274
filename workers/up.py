"""How does one command start everything? ``qsubmit up``: servers, gateway and workers, kept running until stopped."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import importlib
import logging
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from backends.local.caller import Caller
from backends.sandbox import vendors
from broker import logs
from workers import servers
from workers.forked import forked
from workers.hushed import awake_variable
from workers.private import shut, write_secret
from workers.sleeper import Sleeper
from workers.supervise import Program, Supervisor

# Nothing else at the top: this process lives as long as the hub and only watches. What it needs once, and what that
# imports (SQLAlchemy, pydantic), is done in forked children.

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("qsubmit.up")
READY_S = 120.0
# A sandbox that nobody has asked for so long ends, and takes its simulators along. Less than the setting catalogue_s,
# or the look at its devices keeps it awake.
REST_S = 20.0
AWAKE = "awake"
PORTS, MOST_DIGITS = 1 << 16, 5


def parser() -> argparse.ArgumentParser:
    """The options of ``qsubmit up``."""
    p = argparse.ArgumentParser(prog="qsubmit up", description="Start a whole hub on this machine.")
    p.add_argument("--data", type=Path, default=Path("qsubmit-data"), help="where everything is kept")
    p.add_argument("--port", type=port, default=8000, help="port of the gateway")
    p.add_argument("--host", default="127.0.0.1", help="address of the gateway")
    p.add_argument("--workers", type=int, default=2, help="worker processes")
    p.add_argument("--postgres", action="store_true", help="use an embedded PostgreSQL instead of SQLite")
    p.add_argument("--no-redis", action="store_true", help="no queue: workers find jobs by scanning alone")
    p.add_argument("--no-sandbox", action="store_true", help="do not start the vendor sandboxes")
    p.add_argument("--seeds", type=Path, default=None, help="directory of seed files (default: the checkout's)")
    p.add_argument("--log-level", default="WARNING")
    return p


def port(text: str) -> int:
    """A TCP port that can be named.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and 0 < int(text) < PORTS):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no port; ports are 1 to {PORTS - 1}")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Run until SIGTERM; 0 on a clean stop, 1 if something essential cannot start."""
    options = parser().parse_args(arguments)
    logs.configure(options.log_level, as_json=False)
    try:
        if shut(options.data):
            sys.stderr.write(f"qsubmit up: others could read {options.data}; it is closed to them now\n")
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"qsubmit up: {error}\n")
        return 1
    with contextlib.ExitStack() as stack:
        if not _lock(options.data, stack):
            sys.stderr.write(f"qsubmit up: another qsubmit up runs on {options.data}\n")
            return 1
        try:
            return _run(options, stack)
        except (RuntimeError, OSError, TimeoutError, ValueError) as error:
            sys.stderr.write(f"qsubmit up: {error}\n")
            return 1


def _lock(data: Path, stack: contextlib.ExitStack) -> bool:
    lock = stack.enter_context((data / "up.lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _run(options: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    _check_port(options.host, options.port)
    supervisor = Supervisor()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.ask_to_stop)
    # After the workers, whose simulator host outlives them for a while: here nobody else will need it.
    stack.callback(Caller(options.data, (), {}).end_host)
    stack.callback(supervisor.stop)
    environ = _environment(options, supervisor)
    os.environ.update(environ)
    forked("workers.beginning:first_start", str(options.data), options.seeds and str(options.seeds))
    _start(options, supervisor)
    url = _url(options)
    # First the devices: what their child imports is read while the gateway starts.
    forked("workers.beginning:await_devices", meanwhile=supervisor.check)
    _await_ready(url, supervisor)
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
    supervisor.watch()
    return 0


def _environment(options: argparse.Namespace, supervisor: Supervisor) -> dict[str, str]:
    """Servers that are not configured from outside are started here."""
    data = options.data.resolve()
    environ = {"QSUBMIT_DATA": str(data), "QSUBMIT_LOG_LEVEL": options.log_level}
    if "QSUBMIT_PEPPER" not in os.environ and "QSUBMIT_PEPPER_FILE" not in os.environ:
        _pepper(data / "pepper")
    if options.postgres and "QSUBMIT_DATABASE_URL" not in os.environ:
        server, environ["QSUBMIT_DATABASE_URL"] = servers.postgres(data)
        supervisor.keep(server)
    if not options.no_redis and "QSUBMIT_BROKER_URL" not in os.environ:
        program, url = servers.redis_program(data)
        supervisor.start(program)
        forked("workers.servers:await_redis", url, meanwhile=supervisor.check)
        environ["QSUBMIT_BROKER_URL"] = url
    if not options.no_sandbox:
        environ |= _sandboxes(data, supervisor)
    return environ


def _pepper(path: Path) -> None:
    if not path.exists():
        write_secret(path, secrets.token_hex(32))


def _sandboxes(data: Path, supervisor: Supervisor) -> dict[str, str]:
    """A sandbox for each vendor without real credentials, which sleeps until somebody asks it something.

    The vendor's settings read its URL; workers see by the file whether it is awake.
    """
    environ = {}
    for vendor in vendors():
        name = f"QSUBMIT_{vendor.upper()}_SANDBOX_URL"
        if name in os.environ or _is_real(vendor):
            continue
        home = (data / "sandboxes" / vendor).resolve()
        home.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "backends.sandbox", vendor, "--data", str(home))
        sleeper = Sleeper(f"sandbox-{vendor}", (*command, "--awake", str(home / AWAKE), "--rest", str(REST_S)))
        sleeper.begin()
        supervisor.keep(sleeper)
        environ[name] = sleeper.url
        environ[awake_variable(vendor)] = str(home / AWAKE)
    return environ


def _is_real(vendor: str) -> bool:
    """Whether the environment has the vendor's real credentials."""
    settings = importlib.import_module(f"backends.{vendor}.settings")
    return settings.settings_from(os.environ) is not None


def _check_port(host: str, port: int) -> None:
    """Somebody else's gateway on our port would look as if ours were ready.

    Raises:
        RuntimeError: the port is taken.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise RuntimeError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _url(options: argparse.Namespace) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{options.port}"


def _start(options: argparse.Namespace, supervisor: Supervisor) -> None:
    gateway = (
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "broker.bootstrap:gateway",
        "--host",
        options.host,
        "--port",
        str(options.port),
        "--no-access-log",
        "--log-level",
        "warning",
        "--timeout-graceful-shutdown",
        "5",
        "--backlog",
        "4096",
        "--http",
        "broker.api.connection:Connection",  # uvicorn's own bounds no head, no body's time and no connections
    )
    supervisor.start(Program(name="gateway", command=gateway, probe=f"{_url(options)}/healthz"))
    supervisor.start(Program(name="scan", command=(sys.executable, "-m", "workers.scan")))
    if os.environ.get("QSUBMIT_BROKER_URL"):
        listen = (sys.executable, "-m", "workers.listen", "-c", str(options.workers))
        supervisor.start(Program(name="listen", command=listen))


def _await_ready(url: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_S
    last = "no answer"
    while time.monotonic() < deadline:
        supervisor.check()
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310  our own address
                if answer.status == 200:  # noqa: PLR2004
                    return
        except urllib.error.HTTPError as error:
            last = error.read().decode()
        except OSError as error:
            last = str(error)
        time.sleep(0.1)
    raise TimeoutError(f"the service did not become ready: {last}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
