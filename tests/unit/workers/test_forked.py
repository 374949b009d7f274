"""Does a child give its value or its error, and leave nothing behind with us?"""

from __future__ import annotations

import os
import sys
import time

import pytest

from workers.forked import forked


def test_it_gives_the_value_and_what_it_imports_stays_there(tmp_path, monkeypatch):
    (tmp_path / "heavy_here.py").write_text("def weigh(kind):\n    return {kind: 7}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert forked("heavy_here:weigh", "x") == {"x": 7}
    assert "heavy_here" not in sys.modules
    assert forked("os:getpid") != os.getpid()


def test_a_large_value_comes_whole():
    assert forked("operator:mul", "x", 1 << 20) == "x" * (1 << 20)


@pytest.mark.parametrize(
    ("target", "arguments", "told"),
    [
        ("os:listdir", ("/nowhere",), "No such file"),
        ("operator:truediv", (1, 0), "ZeroDivisionError"),
        ("os:_exit", (3,), "without a word"),
    ],
)
def test_its_error_is_ours(target, arguments, told):
    with pytest.raises(RuntimeError, match=told):
        forked(target, *arguments)


def test_what_is_done_meanwhile_may_end_it():
    def stop():
        raise RuntimeError("enough")

    began = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        forked("time:sleep", 60, meanwhile=stop)
    assert time.monotonic() - began < 30
