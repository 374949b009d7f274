"""Does the parent survive whatever a child does, and does the child get away with nothing?"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backends.child import Child, ChildError, ChildKilled, ChildPool, Limits
from backends.child_process import Process

TARGET = "tests.support.child_targets:deed"
LIMITS = Limits(memory_bytes=256 << 20, cpu_s=20, wall_s=20, file_bytes=1 << 20)


@pytest.fixture(scope="module")
def child():
    with_limits = Child(TARGET, LIMITS)
    yield with_limits
    with_limits.close()


def do(child, deed, **more):
    return child.call({"do": deed, **more}, owner="ada")["value"]


def kill_reason(child, deed, *, wall_s=None, cpu_s=None, **more):
    with pytest.raises(ChildKilled) as caught:
        child.call({"do": deed, **more}, owner="ada", wall_s=wall_s, cpu_s=cpu_s)
    return caught.value.reason


def test_a_child_stays_warm_between_calls(child):
    do(child, "echo")
    before = child.pid
    do(child, "echo")
    assert child.pid == before != os.getpid()


@pytest.mark.parametrize(
    ("deed", "limits", "reason"),
    [
        ("memory", {}, "memory"),
        ("spin", {"cpu_s": 0.5}, "cpu"),
        ("spin", {"wall_s": 0.2}, "wall"),
        ("sleep", {"wall_s": 0.2}, "wall"),
        ("abort", {}, "crash"),
    ],
)
def test_a_passed_limit_ends_the_call_and_the_next_call_finds_a_new_child(child, deed, limits, reason):
    do(child, "echo")
    before = child.pid
    assert kill_reason(child, deed, seconds=9, **limits) == reason
    do(child, "echo")
    assert child.pid not in (before, None)


def test_a2_a_child_that_is_deaf_to_the_cpu_limit_is_ended_all_the_same(child):
    started = time.monotonic()
    assert kill_reason(child, "deaf", cpu_s=0.5, wall_s=19) == "cpu"
    assert time.monotonic() - started < 15


def test_a2_a_child_that_never_stops_printing_has_its_limit_all_the_same():
    endless = os.open("/dev/zero", os.O_RDONLY)
    silent, mute = os.pipe()
    process = object.__new__(Process)
    process._err, process._from, process._into, process._noise = endless, silent, mute, bytearray()
    process._look_at, process._most_cpu_s, process._status, process._spent_s = 0.0, math.inf, -9, 0.0
    process._killed, process.pid = None, 0
    with pytest.raises(ChildKilled) as caught:
        process._talk(b"", time.monotonic() + 0.2)
    assert caught.value.reason == "wall"
    for end in (endless, silent, mute):
        os.close(end)


def test_a3_what_a_call_used_is_measured_and_not_told(child):
    do(child, "burn", seconds=0.3)
    assert 0.3 <= child.used_s < 2


def test_cpu_is_counted_per_call_and_not_over_the_life(child):
    for _ in range(3):
        do(child, "burn", seconds=0.4)
    child.call({"do": "burn", "seconds": 0.4}, owner="ada", cpu_s=0.5)


def test_an_exception_comes_back_with_its_location(child):
    with pytest.raises(ChildError, match="LocatedError: no such gate") as caught:
        do(child, "located")
    error = caught.value
    assert (error.type, error.code, error.line, error.column) == ("LocatedError", "program_gate", 3, 7)


@pytest.mark.parametrize(
    ("deed", "kind"), [("exit", "SystemExit"), ("not json", "TypeError"), ("deep", "RecursionError")]
)
def test_odd_ends_are_errors_and_not_deaths(child, deed, kind):
    do(child, "echo")
    before = child.pid
    with pytest.raises(ChildError) as caught:
        do(child, deed)
    assert caught.value.type == kind
    do(child, "echo")
    assert child.pid == before


def test_no_new_process_but_new_threads(child):
    assert do(child, "fork") == ["PermissionError", "PermissionError", 127 << 8]
    assert do(child, "thread") == [True]


def test_no_socket_of_any_family(child):
    assert do(child, "connect") == ["AF_INET", "AF_INET6", "AF_UNIX"]


def test_no_signal_to_others(child):
    assert do(child, "kill", pid=os.getpid()) == "PermissionError"


def test_files_are_its_own_folder_only_and_small(child, tmp_path):
    outside = tmp_path / "outside"
    assert do(child, "write", path=str(outside)) == "PermissionError"
    assert not outside.exists()
    assert do(child, "write", path="inside") == "allowed"
    assert do(child, "write", path="inside", bytes=2 << 20) == "OSError"


@pytest.mark.parametrize("which", ["passwords", "environment", "project"])
def test_our_secrets_are_unreadable(child, which):
    paths = {
        "passwords": "/etc/passwd",
        "environment": f"/proc/{os.getpid()}/environ",
        "project": str(Path("pyproject.toml").resolve()),
    }
    assert do(child, "read", path=paths[which]) == "PermissionError"


def test_the_environment_holds_nothing_of_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("QSUBMIT_SECRET", "s3cret")
    with_extra = Child(TARGET, LIMITS, env={"EXTRA": "given"})
    seen = do(with_extra, "environ")
    with_extra.close()
    assert "QSUBMIT_SECRET" not in seen
    assert seen["EXTRA"] == "given"
    assert seen["HOME"] == seen["TMPDIR"] != str(Path.home())
    assert not Path(seen["HOME"]).exists()


def test_what_libraries_print_is_no_reply_and_its_tail_is_kept(child):
    assert do(child, "noise", bytes=3 << 20) == "quiet"
    with pytest.raises(ChildKilled) as caught:
        child.call({"do": "abort"})
    assert "exit status" in caught.value.tail or "from python" in caught.value.tail


def test_large_requests_and_replies_pass(child):
    assert do(child, "echo", value="v" * (5 << 20)) == "v" * (5 << 20)
    assert len(do(child, "reply", bytes=5 << 20)) == 5 << 20


def test_stop_from_another_thread_cancels_the_call(child):
    do(child, "echo")
    timer = threading.Timer(0.2, child.stop)
    timer.start()
    assert kill_reason(child, "sleep", seconds=9) == "cancelled"
    timer.join()


def test_a_child_started_by_a_short_lived_thread_outlives_it():
    child, pids = Child(TARGET, LIMITS), []
    for _ in range(2):
        thread = threading.Thread(target=lambda: (do(child, "echo"), pids.append(child.pid)))
        thread.start()
        thread.join()
    child.close()
    assert pids[0] == pids[1]


def test_a1_a_child_that_ran_a_program_of_one_owner_serves_no_other(child):
    do(child, "keep", value="ada's")
    ada = child.pid
    assert do(child, "kept") == ["ada's"]
    assert child.call({"do": "kept"}, owner="bob")["value"] == []
    assert child.pid != ada
    assert do(child, "kept") == []


def test_a1_a_call_without_owner_has_its_child_to_itself(child):
    for _ in range(2):
        assert child.call({"do": "kept"})["value"] == []
        child.call({"do": "keep", "value": "x"})
        assert child.pid is None


def test_a1_a_pool_chooses_the_owners_child():
    pool = ChildPool(TARGET, 2, LIMITS)
    pool.call({"do": "keep", "value": "ada's"}, owner="ada")
    pool.call({"do": "keep", "value": "bob's"}, owner="bob")
    seen = {name: pool.call({"do": "kept"}, owner=name)["value"] for name in ("ada", "bob", "eve")}
    pool.close()
    assert seen == {"ada": ["ada's"], "bob": ["bob's"], "eve": []}


def test_a_pool_serves_many_threads_and_survives_crashes():
    pool, seen, reasons = ChildPool(TARGET, 2, LIMITS), [], []

    def visit(number):
        try:
            seen.append(pool.call({"do": "abort" if number == 5 else "echo", "value": number})["value"])
        except ChildKilled as killed:
            reasons.append(killed.reason)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert sorted(seen) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert reasons == ["crash"]


ORPHAN = f"""
import threading
from backends.child import Child, Limits
child = Child({TARGET!r}, Limits(memory_bytes=1 << 28, cpu_s=60, wall_s=60))
child.start()
print(child.pid, flush=True)
child.call({{"do": "spin"}})
"""


def test_a_busy_child_dies_with_its_parent():
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.send_signal(signal.SIGKILL)
    assert gone(pid)


def gone(pid, within_s=5.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("target", ["tests.support.no_such_module:deed", "tests.support.threaded_target:deed"])
def test_a_target_that_cannot_be_warmed_is_a_crash_that_says_why(target):
    child = Child(target, LIMITS)
    with pytest.raises(ChildKilled) as caught:
        child.call({})
    child.close()
    assert caught.value.reason == "crash"
    assert "No module named" in caught.value.tail or "left 2 threads" in caught.value.tail


def test_a_template_that_hangs_is_replaced(monkeypatch):
    monkeypatch.setattr("backends.child_process.FORK_S", 1.0)
    child = Child(TARGET, LIMITS, env={"QSUBMIT_TEST": "a template of its own"})
    try:
        do(child, "echo")
        os.kill(child._template._popen.pid, signal.SIGSTOP)
        with pytest.raises(ChildKilled):
            child.call({"do": "echo"}, owner="grace")
        assert child.call({"do": "echo", "value": 1}, owner="grace") == {"value": 1}
    finally:
        child.close()
