"""Do the commands that containers and operators use say the truth about a running hub?"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from broker.settings import Settings
from tests.support.hub import running, wait_all
from workers import alive, servers

BELL = Path("seeds/programs/bell.qasm").read_text()
pytestmark = pytest.mark.xdist_group("worker-commands")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running(tmp_path_factory.mktemp("commands") / "data", "--no-sandbox", "--workers", "1") as started:
        with started.client() as client:
            wait_all(client, [client.submit(BELL, format="openqasm2", shots=50, device="local/aer")["id"]])
        yield started


def command(hub, module, *arguments, **environ):
    queue = f"redis+socket://{servers.short_socket(hub.data / 'redis')}"
    known = os.environ | {"QSUBMIT_DATA": str(hub.data), "QSUBMIT_BROKER_URL": queue, "QSUBMIT_LOG_LEVEL": "ERROR"}
    line = [sys.executable, "-m", module, *arguments]
    return subprocess.run(line, env=known | environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("worker", ["scan", "listen"])
def test_a_worker_that_works_is_alive(hub, worker):
    done = command(hub, "workers.alive", worker)
    assert done.returncode == 0, done.stderr


def test_a_queue_without_a_listener_is_noticed(hub):
    assert not alive.listening(Settings(broker_url="memory://"), "nobody")


def test_a_scan_long_ago_is_not_alive(hub):
    settings = Settings(data=hub.data)
    assert alive.scanned(settings)
    assert not alive.scanned(settings, timedelta(seconds=settings.scan_stale_s + 60))


def test_verification_says_that_every_invariant_holds(hub):
    done = command(hub, "workers.verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": holds\n") == 9


def test_verification_finds_what_was_spoilt_and_ends_with_one(hub, tmp_path):
    with (
        closing(sqlite3.connect(hub.data / "qsubmit.db")) as live,
        closing(sqlite3.connect(tmp_path / "qsubmit.db")) as copy,
    ):
        live.backup(copy)
        copy.execute("UPDATE audit SET body = '[]' WHERE seq = 1")
        copy.commit()
    done = command(hub, "workers.verify", QSUBMIT_DATA=str(tmp_path))
    assert done.returncode == 1
    assert "the audit chain verifies: BROKEN 1 times, for 1" in done.stdout


def test_a_hub_of_containers_is_set_up_once(hub, tmp_path):
    environ = {"QSUBMIT_DATA": str(tmp_path / "keys"), "QSUBMIT_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.db'}",
               "QSUBMIT_PEPPER": "0" * 64}  # fmt: skip
    for _ in range(2):
        done = command(hub, "workers.seeding", "--seeds", "seeds", **environ)
        assert done.returncode == 0, done.stderr
    key = tmp_path / "keys" / "key"
    assert key.read_text().startswith("qs_live_")
    assert key.stat().st_mode & 0o777 == 0o600
