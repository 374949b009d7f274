"""Which servers does a measurement need? Started here, real, and stopped again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.support.hub import FAST, Hub, free_port
from workers.servers import await_redis, redis_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def redis(home: Path) -> Iterator[str]:
    """A Redis of our own, with its append-only file as in production."""
    home.mkdir(parents=True)
    program, url = redis_program(home)
    with process(*program.command):
        await_redis(url)
        yield url


@contextlib.contextmanager
def process(*command: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the length of a block; its output is thrown away."""
    started = subprocess.Popen(
        command, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


@contextlib.contextmanager
def bare_endpoint(broker: str) -> Iterator[int]:
    """The baseline's endpoint under the same server with the same options as our gateway."""
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning")
    with process(sys.executable, "-m", "uvicorn", "tests.bench.baseline:app", *options, BARE_BROKER_URL=broker):
        await_http(f"http://127.0.0.1:{port}/openapi.json")
        yield port


@contextlib.contextmanager
def hub(data: Path, *options: str) -> Iterator[Hub]:
    """A whole hub without sandboxes."""
    data.mkdir(parents=True)
    started = Hub(data=data, port=free_port(), options=("--no-sandbox", *options), environ=FAST)
    started.start()
    try:
        yield started
    finally:
        started.stop()


def await_http(url: str) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
