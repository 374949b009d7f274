"""Who wins: argument, environment or file? And is the key safe?"""

from __future__ import annotations

import os

import pytest

from qsubmit import config
from qsubmit.errors import Usage

FILE = """
url = "https://top.example"
api_key = "top-key"

[profile.daejeon]
url = "https://daejeon.example/"
api_key = "daejeon-key"
project = "kaist-qec"

[profile.bare]
url = "https://bare.example"
"""


@pytest.fixture
def environ(tmp_path):
    path = tmp_path / "qsubmit" / "config.toml"
    path.parent.mkdir()
    path.write_text(FILE)
    path.chmod(0o600)
    return {"XDG_CONFIG_HOME": str(tmp_path), "HOME": "/nowhere"}


def test_without_anything_it_is_this_machine(tmp_path):
    found = config.resolve(environ={"HOME": str(tmp_path)})

    assert (found.url, found.api_key) == ("http://127.0.0.1:8000", None)
    assert found.path == f"{tmp_path}/.config/qsubmit/config.toml"


def test_the_top_of_the_file_is_the_default(environ):
    found = config.resolve(environ=environ)

    assert (found.url, found.api_key, found.warnings) == ("https://top.example", "top-key", [])


def test_a_profile_goes_over_the_top(environ):
    found = config.resolve(profile="daejeon", environ=environ)

    assert (found.url, found.api_key, found.project) == ("https://daejeon.example", "daejeon-key", "kaist-qec")
    assert config.resolve(environ={**environ, "QSUBMIT_PROFILE": "daejeon"}).url == "https://daejeon.example"


def test_the_environment_goes_over_the_file_and_arguments_over_both(environ):
    environ |= {"QSUBMIT_URL": "http://env:1", "QSUBMIT_API_KEY": " env-key\n"}

    found = config.resolve(profile="daejeon", environ=environ)
    given = config.resolve(url="http://arg:2", api_key="arg-key", environ=environ)

    assert (found.url, found.api_key) == ("http://env:1", "env-key")
    assert (given.url, given.api_key) == ("http://arg:2", "arg-key")


def test_a_key_of_the_file_goes_to_the_files_url_only(environ):
    found = config.resolve(environ={**environ, "QSUBMIT_URL": "http://elsewhere"})

    assert found.api_key is None
    assert "belongs to https://top.example" in found.warnings[0]


def test_a_profile_with_its_own_url_does_not_get_the_top_key(environ):
    assert config.resolve(profile="bare", environ=environ).api_key is None


def test_a_key_that_others_can_read_is_warned_about(environ, tmp_path):
    (tmp_path / "qsubmit" / "config.toml").chmod(0o644)

    (warning,) = config.resolve(environ=environ).warnings

    assert "chmod 600" in warning
    assert "top-key" not in warning


@pytest.mark.parametrize("text", ["not toml", "url = 3", "[profile.x]\napi_key = 1"])
def test_a_broken_file_is_a_usage_error(environ, tmp_path, text):
    (tmp_path / "qsubmit" / "config.toml").write_text(text)

    with pytest.raises(Usage) as caught:
        config.resolve(profile="x" if "profile" in text else None, environ=environ)

    assert caught.value.code == "config_invalid"


def test_an_unknown_profile_names_the_known(environ):
    with pytest.raises(Usage) as caught:
        config.resolve(profile="paris", environ=environ)

    assert caught.value.hint == "profiles there: bare, daejeon"


@pytest.mark.parametrize("key", ["a b", "schlüssel", "x\x00y"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(environ, key):
    with pytest.raises(Usage) as caught:
        config.resolve(environ={**environ, "QSUBMIT_API_KEY": key})

    assert key not in str(caught.value)


def test_settings_do_not_show_the_key(environ):
    assert "top-key" not in repr(config.resolve(environ=environ))


def test_no_mode_is_read_where_there_is_no_file(tmp_path):
    assert not config.open_to_others(os.fspath(tmp_path / "none"))
