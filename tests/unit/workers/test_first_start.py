"""Does a hub begin with keys and secrets that are whole, private and its own?"""

from __future__ import annotations

import os
import shutil
import stat

import pytest

from broker.bootstrap import open_store
from broker.services.keys import Keys
from broker.settings import Settings
from tests.support.gateway import NOW, PEPPER, SEEDS
from workers.seeding import first_start, main, write_secret
from workers.servers import postgres, short_socket
from workers.up import _pepper


@pytest.fixture
def settings(tmp_path, sqlite_url):
    return Settings(data=tmp_path, database_url=sqlite_url, pepper=PEPPER)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def member(settings, secret):
    store = open_store(settings)
    try:
        return Keys(store, settings.secret()).member(secret, NOW)
    finally:
        store.engine.dispose()


def test_every_hubs_first_administrator_gets_a_key_in_a_private_file(settings, tmp_path):
    first_start(settings, tmp_path, SEEDS)
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {"daejeon", "seoul"}
    assert {mode(path) for path in (tmp_path / "keys").iterdir()} == {0o600} == {mode(tmp_path / "key")}
    assert (tmp_path / "key").read_text() == (tmp_path / "keys" / "daejeon").read_text()
    assert (member(settings, (tmp_path / "keys" / "seoul").read_text()).name) == "seo"


def test_a_second_start_changes_no_key(settings, tmp_path):
    first_start(settings, tmp_path, SEEDS)
    before = (tmp_path / "key").read_text()
    first_start(settings, tmp_path, SEEDS)
    assert (tmp_path / "key").read_text() == before
    assert member(settings, before).name == "root"


def test_a_secret_that_could_not_be_written_whole_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        write_secret(tmp_path / "key", "secret")
    assert not (tmp_path / "key").exists()
    monkeypatch.undo()
    write_secret(tmp_path / "key", "secret")
    assert ((tmp_path / "key").read_text(), mode(tmp_path / "key")) == ("secret", 0o600)


def test_the_pepper_is_made_once_and_is_long_enough(tmp_path):
    _pepper(tmp_path / "pepper")
    first = (tmp_path / "pepper").read_text()
    _pepper(tmp_path / "pepper")
    assert (tmp_path / "pepper").read_text() == first
    assert Settings(data=tmp_path).secret() == first.encode()


def test_a_pepper_that_is_set_wins_over_the_file_in_the_data_directory(tmp_path):
    (tmp_path / "pepper").write_text("f" * 40)
    (tmp_path / "named").write_text("n" * 40)
    assert Settings(data=tmp_path, pepper="s" * 40).secret() == b"s" * 40
    assert Settings(data=tmp_path, pepper="s" * 40, pepper_file=tmp_path / "named").secret() == b"n" * 40


@pytest.mark.parametrize("pepper", [None, "short"])
def test_without_a_good_pepper_nothing_starts(tmp_path, pepper):
    with pytest.raises(ValueError, match="QSUBMIT_PEPPER"):
        Settings(data=tmp_path, pepper=pepper).secret()


def test_a_socket_in_a_deep_directory_gets_the_same_short_link_every_time(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    first, second = short_socket(deep), short_socket(deep)
    assert first == second
    assert len(str(first)) <= 107
    assert first.parent.resolve() == deep.resolve()
    first.parent.unlink()


def test_a_path_that_leaves_no_room_for_a_socket_is_said(tmp_path):
    deep = tmp_path / ("d" * 100)
    with pytest.raises(
        RuntimeError, match=r"--postgres: the path .* is \d+ characters too long for a Unix socket in it"
    ):
        postgres(deep)


def test_spoiled_seeds_are_one_line_with_their_place_and_no_traceback(tmp_path, sqlite_url, monkeypatch, capsys):
    seeds = shutil.copytree(SEEDS, tmp_path / "seeds")
    prices = seeds / "prices.yaml"
    prices.write_text(prices.read_text().replace("per_shot:", "per_shots:"))
    monkeypatch.setenv("QSUBMIT_DATA", str(tmp_path))
    monkeypatch.setenv("QSUBMIT_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("QSUBMIT_PEPPER", PEPPER)
    with pytest.raises(SystemExit) as ended:
        main(["--seeds", str(seeds)])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("seeds: prices.yaml:2: prices[0].per_shots: is not known; is per_shot meant?")
    assert said.count("\n") == 1
    assert not (tmp_path / "key").exists()
