"""Is the data directory closed to others, whoever made it and whatever is in it?"""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from workers.private import OTHERS, shut
from workers.up import main


@pytest.fixture(autouse=True)
def mask():
    """The process's mask as it was."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(data):
    return sorted(str(path) for path in (data, *data.rglob("*")) if path.lstat().st_mode & OTHERS)


def test_a12_a_new_directory_is_closed_and_so_is_what_comes_into_it(tmp_path):
    data = tmp_path / "deep" / "data"
    assert shut(data) is False
    (data / "log").write_text("x")
    subprocess.run([sys.executable, "-c", f"open({str(data / 'child')!r}, 'w')"], check=True)
    assert open_to_others(data) == []


def test_a12_a_directory_that_stood_open_is_closed_with_all_that_is_in_it(tmp_path):
    data, outside = tmp_path / "data", tmp_path / "outside"
    (data / "sandboxes" / "braket").mkdir(parents=True, mode=0o755)
    outside.write_text("x")
    outside.chmod(0o644)
    for name in ("qsubmit.db", "key", "sandboxes/braket/ledger.db"):
        (data / name).write_text("x")
        (data / name).chmod(0o666)
    (data / "link").symlink_to(outside)
    assert shut(data) is True
    assert [path for path in open_to_others(data) if not path.endswith("link")] == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert shut(data) is False


def test_a12_a_directory_that_others_may_only_pass_through_is_closed_without_a_word(tmp_path):
    tmp_path.chmod(0o711)
    assert shut(tmp_path) is False
    assert open_to_others(tmp_path) == []


def test_a12_a_directory_of_somebody_else_is_refused_with_the_remedy(tmp_path, monkeypatch, capsys):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(RuntimeError, match="chmod 700"):
        shut(tmp_path)
    assert main(["--data", str(tmp_path)]) == 1
    assert "chmod 700" in capsys.readouterr().err
    assert not (tmp_path / "up.lock").exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "9" * 5000, "²", "x"])
def test_a12_a_port_that_is_none_is_refused(port, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), f"--port={port}"])
    assert "is no port" in capsys.readouterr().err
