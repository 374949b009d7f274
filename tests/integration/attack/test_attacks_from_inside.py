"""What can code do that has taken over a child, whichever libraries are warm around it? Nothing to anybody else."""

from __future__ import annotations

import os
import resource

import pytest

from backends import child_template
from backends.child import Child, Limits
from backends.walls import WALLS

TARGET = "tests.support.attacks:deed"
LIMITS = Limits(memory_bytes=512 << 20, cpu_s=30, wall_s=30)
# Every child that runs or reads programs: local, of the sandboxes, and the vendors' translators.
KINDS = {
    "bare": "",
    "local gate": "backends.local.run_gate",
    "local pulser": "backends.local.run_pulser",
    "local perceval": "backends.local.run_perceval",
    "local ahs": "backends.local.run_ahs",
    "braket sandbox": "backends.braket.sandbox.simulate",
    "quandela sandbox": "backends.quandela.sandbox.engine",
    "pasqal sandbox": "backends.pasqal.sandbox.simulate",
    "braket translator": "backends.braket.translate",
    "quandela desk": "backends.quandela.desk",
    "pasqal fitter": "backends.pasqal.retarget",
}
SECRET = "QSUBMIT_ATTACK_SECRET"


@pytest.fixture(scope="module", params=KINDS)
def pair(request):
    """Two children of one template: an attacker, and a victim of another owner."""
    os.environ[SECRET] = "s3cret"
    attacker, victim = (Child(TARGET, LIMITS, env={"ATTACK_INSIDE": KINDS[request.param]}) for _ in range(2))
    attacker.start()
    victim.start()
    del os.environ[SECRET]
    yield attacker, victim
    attacker.close()
    victim.close()


@pytest.fixture
def others(pair):
    return {"parent": os.getpid(), "sibling": pair[1].pid, "init": 1 if "processes" in pair[0].lacks() else 2}


def attack(pair, deed, **more):
    return pair[0].call({"do": deed, **more}, owner="eve")["value"]


def allowed(found):
    return sorted(name for name, answer in found.items() if answer == "allowed")


def test_a2_no_call_outside_of_the_list(pair):
    found = attack(pair, "calls")
    assert {name: answer for name, answer in found.items() if answer != "EPERM"} == {}


def test_a2_no_signal_to_others(pair, others):
    found = attack(pair, "signals", pids=others)
    assert {name: answer for name, answer in found.items() if answer != "EPERM"} == {}


def test_a2_no_limit_of_anybody(pair, others):
    before = {pid: resource.prlimit(pid, resource.RLIMIT_AS) for pid in (others["parent"], others["sibling"])}
    found = attack(pair, "limits", pids=others)
    assert allowed(found) == []
    assert {pid: resource.prlimit(pid, resource.RLIMIT_AS) for pid in before} == before


def test_a2_no_new_process(pair):
    found = attack(pair, "processes")
    assert found == {"fork": "EPERM", "spawn": "EPERM", "clone": "EPERM", "clone3": "ENOSYS"}


@pytest.mark.parametrize("whose", ["the worker's", "a sibling's", "the cache's", "the template's"])
def test_a2_no_change_of_a_file_of_others(pair, tmp_path, whose):
    place = {
        "the worker's": tmp_path,
        "a sibling's": pair[1]._process._home,  # an attacker may guess it
        "the cache's": child_template.cache_folder() / "numba",
        "the template's": pair[1]._template._home,
    }[whose]
    victim = place / "victim.txt"
    victim.write_text("mine")
    victim.chmod(0o644)
    before = victim.stat()
    try:
        found = attack(pair, "files", path=str(victim))
        after = victim.stat()
        assert [name for name in allowed(found) if name != "read"] == []
        assert victim.read_text() == "mine"
        assert (after.st_mode, after.st_mtime_ns, after.st_uid, after.st_nlink) == (
            before.st_mode, before.st_mtime_ns, before.st_uid, before.st_nlink,
        )  # fmt: skip
        assert whose in ("the cache's", "the template's") or "read" not in allowed(found)
        assert sorted(path.name for path in place.glob("victim*")) == ["victim.txt"]
    finally:
        victim.unlink()


def test_a2_no_look_into_other_processes(pair, others):
    assert allowed(attack(pair, "proc", pids=others)) == []


def test_a1_no_descriptor_of_others(pair):
    found = attack(pair, "descriptors")
    strange = {number: what for number, what in found.items() if not harmless(number, what)}
    assert strange == {}


def harmless(number, what):
    """Its three pipes, nothing, and what its libraries opened before any program came."""
    pipes = what.startswith("pipe:") or what == "mode 10600"
    return pipes or what in ("/dev/null", "mode 20666") or what.startswith(("/usr/", "/dev/urandom"))


def test_a1_no_trace_of_another_owners_program_in_memory(pair):
    attacker, victim = pair
    word = "a word that only the victim's program holds"
    victim.call({"do": "hold", "word": word[::-1]}, owner="ada")
    assert victim.call({"do": "search", "word": word[::-1]}, owner="ada")["value"] > 0
    attacker.call({"do": "hold", "word": "x"}, owner="ada")
    assert attack(pair, "search", word=word[::-1]) <= 0


def test_a2_who_it_is_and_what_it_was_told(pair):
    found, lacks = attack(pair, "identity"), pair[0].lacks()
    status = dict(line.split(":\t", 1) for line in found["status"].splitlines() if ":\t" in line)
    search_only = 1 << 2
    assert int(status["CapEff"], 16) | search_only == search_only
    assert int(status["CapPrm"], 16) | search_only == search_only
    assert status["NoNewPrivs"].strip() == "1"
    assert "s3cret" not in str(found["environ"]) + found["argv"]
    if "user" not in lacks:
        assert found["ids"][1] not in (0, os.getuid())
    if "processes" not in lacks:
        assert found["ids"][0] == 1


def test_a2_the_walls_of_this_machine_are_told(pair):
    assert set(pair[0].lacks()) <= set(WALLS)
    assert not {"files", "calls"} & set(pair[0].lacks())


@pytest.fixture
def without(request):
    """Two children on a machine that lacks some of the walls."""
    env = {"ATTACK_WITHOUT": request.param}
    attacker, victim = (Child(TARGET, LIMITS, env=env) for _ in range(2))
    victim.start()
    attacker.start()
    yield attacker, victim
    attacker.close()
    victim.close()


MISSING = [("spaces", {"processes", "network"}), ("files", {"files", "scopes"}), ("calls", {"calls"})]


@pytest.mark.parametrize(("without", "told"), MISSING, indirect=["without"])
def test_a2_a_wall_that_is_missing_is_told(without, told):
    assert told <= set(without[0].lacks())


@pytest.mark.parametrize("without", ["spaces", "files", "calls"], indirect=True)
def test_a2_no_single_wall_is_all_that_protects_other_processes(without):
    pids = {"parent": os.getpid(), "sibling": without[1].pid}
    before = [resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids.values()]
    found = attack(without, "signals", pids=pids) | attack(without, "limits", pids=pids)
    about_others = {name: answer for name, answer in found.items() if name.split()[-1] in pids}
    assert allowed(about_others) == []
    assert [resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids.values()] == before
    assert without[1].pid == pids["sibling"]


@pytest.mark.parametrize("without", ["spaces", "files", "calls"], indirect=True)
def test_a2_no_single_wall_is_all_that_protects_files_from_change(without, tmp_path):
    if os.geteuid() != 0 and without[0].lacks():
        pytest.skip("of one user, Landlock or the filter is the only one to keep files")
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    victim.chmod(0o600)
    before = victim.stat()
    attack(without, "files", path=str(victim))
    after = victim.stat()
    assert victim.read_text() == "mine"
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
