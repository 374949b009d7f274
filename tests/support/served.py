"""How does a test get gateways that are processes? uvicorn over a database that the test has furnished, no worker."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.gateway import PEPPER
from tests.support.hub import FAST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

READY_S = 60.0
HTTP = ("--http", "broker.api.connection:Connection")


@dataclass(frozen=True)
class Served:
    """A gateway process."""

    port: int
    process: subprocess.Popen[bytes]

    def call(self, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
        """One request on a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            return ask(connection, method, path, key, body)


def ask(connection: http.client.HTTPConnection, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    """One request: the status and the JSON body."""
    content = None if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, body=content, headers=headers)
    answer = connection.getresponse()
    read = answer.read()
    return answer.status, json.loads(read or b"null") if "json" in answer.headers["content-type"] else read


@contextlib.contextmanager
def served(url: str, data: Path, *, count: int = 1, **environ: str) -> Iterator[list[Served]]:
    """``count`` gateway processes on one database, ready to answer."""
    known = {"QSUBMIT_DATABASE_URL": url, "QSUBMIT_DATA": str(data), "QSUBMIT_PEPPER": PEPPER, "QSUBMIT_BROKER_URL": ""}
    started: list[Served] = []
    try:
        for number in range(count):
            port = free_port()
            command = [sys.executable, "-m", "uvicorn", "--factory", "broker.bootstrap:gateway", "--port", str(port)]
            command += ["--no-access-log", "--timeout-graceful-shutdown", "5", "--backlog", "4096", *HTTP]
            with (data / f"gateway-{number}.log").open("wb") as log:
                process = subprocess.Popen(
                    command,
                    env=os.environ | FAST | known | environ, stdout=log, stderr=log,
                )  # fmt: skip
            started.append(Served(port=port, process=process))
        for each in started:
            _await(each)
        yield started
    finally:
        for each in started:
            each.process.terminate()
        for each in started:
            each.process.wait(timeout=30)


def _await(gateway: Served) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            gateway.call("GET", "/healthz", "none")
        except OSError:
            assert gateway.process.poll() is None, "the gateway ended"
            assert time.monotonic() < deadline, "the gateway does not answer"
            time.sleep(0.05)
        else:
            return


def race(
    gateways: Sequence[Served], total: int, threads: int, request: Callable[[http.client.HTTPConnection, int], Any]
):
    """``total`` requests from ``threads`` clients that start together, each on its own connection: all answers."""
    ready, answers, failed = threading.Barrier(threads), [], []

    def client(number: int) -> None:
        port = gateways[number % len(gateways)].port
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
                connection.connect()
                ready.wait(60)
                answers.extend(request(connection, each) for each in range(number, total, threads))
        except BaseException as error:  # noqa: BLE001  the caller shows it
            failed.append(error)
            ready.abort()

    running = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert not failed, failed[:3]
    return answers
