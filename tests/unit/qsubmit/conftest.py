"""A fake broker, a client that never sleeps, and a command line pointed at the fake."""

from __future__ import annotations

import pytest

from qsubmit import follow, retry
from qsubmit.cli.main import main
from qsubmit.client import Client
from tests.unit.qsubmit.fake_broker import KEY_TEXT, FakeBroker
from tests.unit.qsubmit.fake_shapes import BELL


@pytest.fixture
def broker(monkeypatch, tmp_path):
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(follow, "FIRST_PAUSE_S", 0.001)
    fake = FakeBroker()
    monkeypatch.setenv("QSUBMIT_URL", fake.url)
    monkeypatch.setenv("QSUBMIT_API_KEY", KEY_TEXT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("QSUBMIT_PROFILE", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    yield fake
    fake.close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def client(broker, pauses):
    with Client(sleep=pauses.append) as made:
        yield made


@pytest.fixture
def bell(tmp_path):
    file = tmp_path / "bell.qasm"
    file.write_text(BELL)
    return str(file)


class Said:
    """What a command said and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def qsubmit(broker, capfd):
    def run(*words):
        capfd.readouterr()
        code = main([str(word) for word in words])
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return run
