"""Does a hub go on when a part of it is killed or stops answering?"""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request

import pytest

from tests.support.crash_hub import until
from tests.support.gateway import BELL
from tests.support.hub import running, wait_all


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    options = ("--postgres", "--no-sandbox", "--no-redis")
    # Longer than the 10 s between two notes of a scanner.
    environ = {"QSUBMIT_SCAN_STALE_S": "20"}
    with running(tmp_path_factory.mktemp("supervised") / "data", *options, environ=environ) as started:
        yield started


def ready(hub):
    try:
        with urllib.request.urlopen(f"{hub.url}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def bell(hub):
    return hub.client().submit(BELL, format="openqasm2", shots=100, device="local/aer")["id"]


def test_a11_a_killed_embedded_postgresql_is_started_again_and_jobs_go_on(hub):
    before = [bell(hub) for _ in range(5)]
    server = int((hub.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGKILL)
    until("its absence is told", lambda: ready(hub)[0] != 200 or _server(hub) != server, log=hub.log)
    until("the hub is ready again", lambda: ready(hub)[1].get("status") == "ok", log=hub.log)
    ended = wait_all(hub.client(), [*before, bell(hub)])
    assert {job["state"] for job in ended.values()} == {"succeeded"}


def _server(hub):
    try:
        return int((hub.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, IndexError):
        return 0


def test_a11_a_scanner_that_stands_still_is_told(hub):
    (scanner,) = hub.pids("workers.scan")
    os.kill(scanner, signal.SIGSTOP)
    try:
        until("the scan is missed", lambda: ready(hub)[1]["checks"]["scan"] != "ok", timeout=60, log=hub.log)
        assert ready(hub)[0] == 200
        assert ready(hub)[1]["status"] == "degraded"
    finally:
        os.kill(scanner, signal.SIGCONT)
    until("the scan is seen again", lambda: ready(hub)[1].get("status") == "ok", log=hub.log)
