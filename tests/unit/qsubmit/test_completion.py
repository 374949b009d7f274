"""Do the completion scripts parse, and know every command and option?"""

from __future__ import annotations

import shutil
import subprocess

import pytest

from qsubmit.cli.commands import COMMANDS
from qsubmit.cli.completion import bash, fish, tree, zsh


def complete(line):
    """What bash offers for the last word of ``line``."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"{bash(tree())}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _qsubmit; echo ${{COMPREPLY[@]}}"
    ended = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout.split()


def test_bash_parses():
    subprocess.run(["bash", "-n"], input=bash(tree()), text=True, check=True)


@pytest.mark.parametrize(("shell", "script"), [("zsh", zsh), ("fish", fish)])
def test_other_shells_parse_where_they_exist(shell, script):
    text = script(tree())
    for name in COMMANDS:
        assert name in text
    assert "--max-cost" in text or "-l max-cost" in text
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_commands_options_values_and_verbs_are_completed():
    assert complete("qsubmit ru") == ["run"]
    assert set(complete("qsubmit ")) == set(COMMANDS)
    assert complete("qsubmit run --max") == ["--max-cost"]
    assert complete("qsubmit run x --prefer ch") == ["cheapest"]
    assert complete("qsubmit run --format op") == ["openqasm2", "openqasm3"]
    assert set(complete("qsubmit keys ")) == {"list", "create", "rotate", "revoke"}
    assert complete("qsubmit keys create --mem") == ["--member"]
    assert complete("qsubmit admin adopt j --rem") == ["--remote-id"]
    assert complete("qsubmit up --no-s") == ["--no-sandbox"]
    assert complete("qsubmit sandbox qu") == ["quandela"]


def test_files_are_completed_for_a_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bell.qasm").touch()

    assert complete("qsubmit run be") == ["bell.qasm"]
    assert complete("qsubmit run --points be") == ["bell.qasm"]


def test_the_command_prints_it(qsubmit):
    assert qsubmit("completion", "bash").out == bash(tree()) + "\n"
