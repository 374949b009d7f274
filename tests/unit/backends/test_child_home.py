"""Is a child's folder gone with it, whatever the child has made of it?"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from backends import child_home
from backends.child import Child, Limits

LIMITS = Limits(memory_bytes=256 << 20, cpu_s=20, wall_s=20, file_bytes=1 << 20)
DEEPER_THAN_PYTHON = 1500


@pytest.fixture(scope="module")
def child():
    made = Child("tests.support.child_targets:deed", LIMITS)
    yield made
    made.close()


def test_a2_a_burrow_ends_with_its_child_and_the_next_child_starts(child):
    home = child.call({"do": "burrow", "levels": DEEPER_THAN_PYTHON})["value"]
    assert not Path(home).exists()
    assert child.call({"do": "echo", "value": 1}) == {"value": 1}


def test_a2_a_burrow_of_a_dead_parent_is_tidied_up(tmp_path):
    number_of_nobody = 1 << 30
    home = tmp_path / f"{number_of_nobody}-left"
    home.mkdir()
    inner = os.open(home, os.O_RDONLY)
    for _ in range(DEEPER_THAN_PYTHON):
        os.mkdir("a", dir_fd=inner)
        outer, inner = inner, os.open("a", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    child_home.tidy(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a2_a_live_parents_folders_stay(tmp_path):
    home = tmp_path / f"{os.getpid()}-mine"
    home.mkdir()
    child_home.tidy(tmp_path)
    assert home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else, whom modes bind")
def test_a2_folders_that_a_child_closed_are_removed_and_links_are_not_followed():
    # Not under pytest's own folder: nobody else may go there.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        assert _as_nobody(lambda: _shut_and_removed(Path(place))) == b"gone, the other stands"


def _shut_and_removed(place):
    other = place / "other"
    other.mkdir(0o755)
    (other / "kept").touch()
    home = child_home._made_in(place)
    os.chdir(home)
    from tests.support import child_targets

    child_targets.shut({"link": str(other)})
    os.chdir("/")
    child_home.remove(home)
    gone = [each.name for each in place.iterdir()] == ["other"]
    stands = (other / "kept").exists() and stat.S_IMODE(other.stat().st_mode) == 0o755
    return b"gone, the other stands" if gone and stands else repr(list(place.iterdir())).encode()


def _as_nobody(deed):
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.write(theirs, deed())
        except BaseException as error:  # noqa: BLE001
            os.write(theirs, repr(error).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as reader:
        said = reader.read()
    os.waitpid(process, 0)
    return said
