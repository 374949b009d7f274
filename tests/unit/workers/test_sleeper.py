"""Is a sandbox begun by who needs it, with nobody refused, and is it left alone while it sleeps?"""

from __future__ import annotations

import os
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.sandbox import awake, woken
from workers.hushed import Hush, awake_variable
from workers.sleeper import Sleeper

AT = datetime(2026, 11, 27, tzinfo=UTC)
# Answers its process id to each connection; ends after the one that says bye.
SERVER = """
import os, socket, sys
listener = socket.socket(fileno=int(sys.argv[-1].removeprefix("fd://")))
while True:
    connection, _ = listener.accept()
    said = connection.recv(9)
    connection.sendall(str(os.getpid()).encode())
    connection.close()
    if said == b"bye":
        sys.exit(0)
    if said == b"crash":
        os.kill(os.getpid(), 9)
"""


@pytest.fixture
def sleeper():
    made = Sleeper("a test", (sys.executable, "-c", SERVER))
    made.begin()
    yield made
    made.end()


def ask(sleeper, word):
    with socket.create_connection(("127.0.0.1", int(sleeper.url.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(word)
        return int(connection.recv(20))


def gone(pid):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("word", [b"bye", b"crash"])
def test_who_comes_after_its_end_begins_it_again(sleeper, word):
    first = ask(sleeper, b"hello")
    assert ask(sleeper, b"hello") == first
    assert ask(sleeper, word) == first
    assert gone(first)
    assert sleeper.ended() is None
    assert ask(sleeper, b"hello") not in {first, os.getpid()}


def test_at_the_end_nothing_is_left():
    made = Sleeper("a test", (sys.executable, "-c", SERVER))
    made.begin()
    pid = ask(made, b"hello")
    made.end()
    assert gone(pid)
    with pytest.raises(OSError, match="refused"):
        ask(made, b"hello")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(awake_variable("braket"), str(tmp_path / "awake"))
    return tmp_path / "awake"


def test_a_file_tells_who_runs_and_since_when(file):
    assert woken(file) == (False, 0)
    with awake(file):
        runs, since = woken(file)
        assert runs
    assert woken(file) == (False, since)
    os.utime(file, ns=(0, 0))
    with awake(file):
        assert woken(file) == (True, pytest.approx(since, abs=60e9))


def test_what_sleeps_is_looked_at_once_and_again_when_somebody_has_woken_it(file):
    runs = []
    hush = Hush("braket")
    look = hush.over("catalogue", lambda _: runs.append("catalogue"))
    sweep = hush.over("sweep", lambda _: runs.append("sweep"))
    for _ in range(3):
        look(AT)
        sweep(AT)
    assert runs == ["catalogue", "sweep"]
    with awake(file):
        look(AT)
        look(AT)
    assert runs[2:] == ["catalogue", "catalogue"]
    look(AT)
    assert len(runs) == 4
    sweep(AT)
    sweep(AT)
    assert runs[4:] == ["sweep"]


def test_what_one_loop_wakes_is_no_news_for_the_others(file):
    runs = []

    def wakes(_):
        runs.append("sweep")
        with awake(file):
            os.utime(file, ns=(len(runs), len(runs)))

    hush = Hush("braket")
    look, sweep = hush.over("catalogue", lambda _: runs.append("catalogue")), hush.over("sweep", wakes)
    for _ in range(4):
        look(AT)
        sweep(AT)
    assert runs == ["catalogue", "sweep"]


def test_a_vendor_without_such_a_sandbox_is_always_looked_at():
    def run(_):
        return None

    assert Hush("braket").over("catalogue", run) is run
