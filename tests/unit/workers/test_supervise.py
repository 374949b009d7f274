"""Are processes started again when they die, and ended with their supervisor?"""

from __future__ import annotations

import sys
import threading
import time

import pytest

from workers.supervise import Program, Supervisor

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
    until(lambda: supervisor._programs[0][1].pid != first.pid)
    assert supervisor._programs[0][1].poll() is None
    supervisor.ask_to_stop()
    watch.join()


def test_a_program_that_has_ended_is_named(supervisor):
    process = supervisor.start(Program(name="mayfly", command=DIE))
    process.wait()
    with pytest.raises(RuntimeError, match="mayfly ended with status 3"):
        supervisor.check()


def test_stopping_ends_every_process_last_started_first(supervisor):
    processes = [supervisor.start(Program(name=name, command=SLEEP)) for name in "ab"]
    supervisor.stop()
    assert [process.poll() for process in processes] == [-15, -15]


def test_a_child_sees_its_own_environment(supervisor, tmp_path):
    script = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['QSUBMIT_X'])"
    process = supervisor.start(Program(name="x", command=(sys.executable, "-c", script), environ={"QSUBMIT_X": "y"}))
    process.wait()
    assert (tmp_path / "seen").read_text() == "y"


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
