"""Are wrong words, help and faults answered in one line each, and never with the key?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.qsubmit.fake_broker import KEY_TEXT, Fault
from tests.unit.qsubmit.fake_shapes import device, only_document


def test_the_key_is_in_no_output(qsubmit, broker, bell):
    for words in (["doctor"], ["jobs"], ["run", bell], ["doctor", "--json"], ["keys", "list"]):
        said = qsubmit(*words)
        assert KEY_TEXT not in said.out + said.err


USAGE = [
    [],
    ["run"],
    ["run", "a", "--shots", "0"],
    ["run", "a", "--max-cost", "5bananas"],
    ["run", "a", "--deadline", "tomorrow"],
    ["run", "a", "--min-success", "2"],
    ["run", "a", "--option", "x"],
    ["run", "a", "--seed", "-1"],
    ["run", "a", "--points", "{"],
    ["run", "/no/such/file"],
    ["frob"],
    ["jobs", "--state", "x"],
    ["keys"],
    ["admin", "adopt", "x"],
]


@pytest.mark.parametrize("words", USAGE[1:], ids=" ".join)
def test_a_wrong_word_is_one_line_and_exit_code_2(qsubmit, words):
    said = qsubmit(*words)

    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("qsubmit: ")
    assert said.err.count("\n") == 1


def test_a_near_miss_is_suggested(qsubmit):
    assert "hint: qsubmit status)" in qsubmit("statsu").err


def test_help_is_on_standard_output(qsubmit):
    assert qsubmit().out == qsubmit("--help").out == qsubmit("help").out
    assert "--max-cost 5000KRW" in qsubmit("help", "run").out
    assert "--postgres" in qsubmit("up", "--help").out


def test_version(qsubmit):
    assert qsubmit("version").out == qsubmit("--version").out == "qsubmit 0.1.0\n"
    assert "python" in only_document(qsubmit("version", "--json").out)


def test_a_fault_of_ours_is_one_line_and_its_own_code(qsubmit, broker):
    broker.devices = [device("local/a")]
    broker.faults.append(Fault(200, {"devices": [{"accessible": True}]}))

    said = qsubmit("devices")

    assert said.code == 70
    assert "QSUBMIT_DEBUG=1" in said.err


def test_a_closed_pipe_is_quiet(broker):
    command = f"{sys.executable} -m qsubmit --help | head -0; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() in {"0", "141"}
    assert ended.stderr == ""
