"""Does ``up`` begin and end as it should? A graceful stop leaves nothing behind; a start that cannot be says why."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import pytest

from tests.support.crash_case import Case, Story
from tests.support.crash_checks import check
from tests.support.crash_hub import until
from tests.support.hub import Hub, free_port

pytestmark = pytest.mark.xdist_group("crash-sqlite")


def up(*options):
    command = [sys.executable, "-m", "workers.up", "--no-sandbox", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_sigterm_hands_everything_back_and_ends_every_process(hubs):
    hub = hubs("sqlite")
    hub.calm()
    hub.vendors.turn("braket", queue_delay=30)
    story = Story(hub, Case(victim="nobody", point="stop", vendor="local"))
    story._submit()
    story._await_ends()
    for vendor in ("braket", *["local"] * 20):
        story._ask_for(vendor)
    story._send_all()
    began = time.monotonic()
    assert hub.stop() == 0
    assert time.monotonic() - began < 20
    until("no process is left", lambda: not hub.pids(""), timeout=1)
    assert "did not finish in time" not in hub.log()
    assert hub.scalar("SELECT count(*) FROM jobs WHERE state = 'submitting'") == 0
    hub.vendors.calm()
    hub.start()
    story._await_ends()
    states = check(hub, story.acknowledged)
    assert list(states.values()) == ["succeeded"] * 23


def test_a_taken_port_is_said_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = up("--data", tmp_path / "data", "--port", port)
    assert done.returncode == 1
    assert done.stderr == f"qsubmit up: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not done.stdout


def test_a_directory_in_use_is_said_in_one_line(hubs):
    hub = hubs("sqlite")
    hub.calm()
    done = up("--data", hub.data, "--port", 1)
    assert done.returncode == 1
    assert done.stderr == f"qsubmit up: another qsubmit up runs on {hub.data}\n"
    assert not done.stdout


@pytest.mark.long
def test_an_embedded_postgres_ends_with_the_hub_that_found_it_running(tmp_path):
    hub = Hub(data=tmp_path / "data", port=free_port(), options=("--no-sandbox", "--postgres", "--no-redis"))
    hub.data.mkdir()
    hub.start()
    hub.process.kill()
    hub.process.communicate()
    hub.start()
    assert hub.pids("bin/postgres")
    assert hub.stop() == 0
    until("no process is left", lambda: not hub.pids(""), timeout=1)
