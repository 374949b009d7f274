"""Do ``up`` and ``sandbox`` become the server, with the words as they were and no key among them?"""

from __future__ import annotations

import sys

import pytest

from qsubmit.cli import serving


@pytest.fixture
def became(monkeypatch):
    seen = []
    monkeypatch.setattr(serving.os, "execv", lambda path, words: seen.append((path, words)))
    return seen


def test_up_passes_every_word_on(qsubmit, became):
    qsubmit("up", "--data", "d", "--port", "1", "--anything", "--json")

    (path, words) = became[0]
    assert path == sys.executable
    assert words[words.index("-m") :] == ["-m", "workers.up", "--data", "d", "--port", "1", "--anything", "--json"]


def test_sandbox_passes_every_word_on(qsubmit, became):
    qsubmit("sandbox", "pasqal", "--port", "1")

    assert became[0][1][-4:] == ["backends.sandbox", "pasqal", "--port", "1"]


def test_a_folder_that_lies_here_is_not_the_server(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert serving.safe_path() == ["-P"]
    monkeypatch.syspath_prepend(str(tmp_path))
    assert serving.safe_path() == []


def test_without_the_server_it_says_what_to_install(qsubmit, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    said = qsubmit("up", "--data", "d")

    assert said.code == 2
    assert "pip install" in said.err
