"""Can every secret stand in a file, as containers want it?"""

import pytest
from fastapi.testclient import TestClient

from broker.api.app import build
from broker.bootstrap import open_room
from broker.settings import IN_FILES, Settings
from tests.support.books import day


@pytest.mark.parametrize("name", IN_FILES)
def test_a_secret_is_read_from_its_file(name, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("sqlite:///from-a-file\n")
    monkeypatch.setenv(f"QSUBMIT_{name.upper()}_FILE", str(tmp_path / "secret"))
    assert getattr(Settings(), name) == "sqlite:///from-a-file"


def test_what_is_set_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("sqlite:///from-a-file")
    monkeypatch.setenv("QSUBMIT_DATABASE_URL_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("QSUBMIT_DATABASE_URL", "sqlite:///set")
    assert Settings().database == "sqlite:///set"


def test_a_file_that_is_missing_is_an_error_and_not_a_default(tmp_path, monkeypatch):
    monkeypatch.setenv("QSUBMIT_DATABASE_URL_FILE", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError):
        Settings()


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [("", None, 200), ("t0ken", None, 401), ("t0ken", "Bearer wrong", 401), ("t0ken", "Bearer t0ken", 200)],
)
def test_metrics_ask_for_their_token_where_one_is_set(token, sent, status, tmp_path):
    with day(tmp_path) as books:
        settings = Settings(data=tmp_path, pepper="0" * 64, metrics_token=token)
        with TestClient(build(open_room(settings, books.store))) as client:
            answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == status
