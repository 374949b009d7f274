"""Are processes started again when they die, and ended with their supervisor?"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import pytest

from workers.supervise import Program, Server, Supervisor

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
DIE = (sys.executable, "-c", "raise SystemExit(3)")


@pytest.fixture
def supervisor():
    made = Supervisor()
    yield made
    made.stop()


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_that_dies_is_started_again(supervisor):
    first = supervisor.start(Program(name="sleeper", command=SLEEP))
    watch = threading.Thread(target=supervisor.watch)
    watch.start()
    first.kill()
    before = first.pid
    until(lambda: first.pid != before)
    assert first.ended() is None
    supervisor.ask_to_stop()
    watch.join()


def test_a_program_that_has_ended_is_named(supervisor):
    process = supervisor.start(Program(name="mayfly", command=DIE))
    until(process.ended)
    with pytest.raises(RuntimeError, match="mayfly ended with status 3"):
        supervisor.check()


def test_stopping_ends_every_process_last_started_first(supervisor):
    processes = [supervisor.start(Program(name=name, command=SLEEP)) for name in "ab"]
    supervisor.stop()
    assert [process.ended() for process in processes] == ["status -15", "status -15"]


def test_a_child_sees_its_own_environment(supervisor, tmp_path):
    script = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['QSUBMIT_X'])"
    process = supervisor.start(Program(name="x", command=(sys.executable, "-c", script), environ={"QSUBMIT_X": "y"}))
    until(process.ended)
    assert (tmp_path / "seen").read_text() == "y"


def running(supervisor):
    watch = threading.Thread(target=supervisor.watch)
    watch.start()
    return watch


def test_a11_a_program_that_keeps_failing_holds_up_no_other(supervisor, monkeypatch):
    monkeypatch.setattr("workers.supervise.LONGEST_WAIT_S", 3600.0)
    mayfly, good = (supervisor.start(Program(name=n, command=c)) for n, c in (("mayfly", DIE), ("good", SLEEP)))
    until(mayfly.ended)
    supervisor._watched[0]._failures = 20
    watch = running(supervisor)
    until(lambda: supervisor._watched[0]._again_at is not None)
    before = good.pid
    good.kill()
    until(lambda: good.pid != before)
    supervisor.ask_to_stop()
    watch.join()


def test_a11_a_server_that_is_no_child_is_begun_again_until_it_starts(supervisor):
    began = []

    def begin():
        began.append(len(began))
        if len(began) < 3:
            raise OSError("the shared memory is still in use")

    supervisor.keep(Server("postgres", runs=lambda: len(began) >= 3, begin=begin, end=lambda: None))
    watch = running(supervisor)
    until(lambda: len(began) == 3)
    supervisor.ask_to_stop()
    watch.join()
    assert supervisor._watched[0].kept.ended() is None


SERVE = (
    "import http.server, sys, threading, time\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self): self.send_response(404); self.end_headers()\n"
    "    def log_message(self, *a): pass\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n"
)


def test_a11_a_program_that_runs_but_answers_no_more_is_started_again(supervisor, monkeypatch):
    for name, value in (("ASK_S", 0.05), ("SILENT_S", 0.3), ("SILENCES", 2)):
        monkeypatch.setattr(f"workers.supervise.{name}", value)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/healthz"
    gateway = supervisor.start(Program(name="gateway", command=(sys.executable, "-c", SERVE, str(port)), probe=url))
    watch = running(supervisor)
    until(lambda: gateway._answered)
    before = gateway.pid
    os.kill(before, signal.SIGSTOP)
    until(lambda: gateway.pid != before and gateway._answered)
    supervisor.ask_to_stop()
    watch.join()


def test_a11_a_program_that_has_not_answered_yet_is_given_time(supervisor, monkeypatch):
    for name, value in (("ASK_S", 0.02), ("SILENT_S", 0.2), ("SILENCES", 2)):
        monkeypatch.setattr(f"workers.supervise.{name}", value)
    slow = supervisor.start(Program(name="slow", command=SLEEP, probe="http://127.0.0.1:9/healthz"))
    time.sleep(0.5)
    assert slow.ended() is None


def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    import subprocess

    script = (
        "from workers.supervise import Program, Supervisor; import time, sys\n"
        f"child = Supervisor().start(Program(name='s', command={SLEEP!r}))\n"
        "print(child.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    from pathlib import Path

    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3])
