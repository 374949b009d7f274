"""Is the right Quandela configured, and does its token stay hidden?"""

from __future__ import annotations

import pickle

import pytest

from backends.environment import Secret
from backends.quandela.adapter import backend
from backends.quandela.settings import CLOUD, PLATFORMS, settings_from

PREFIX = "QSUBMIT_QUANDELA_"


def read(**environ):
    return settings_from({PREFIX + name: value for name, value in environ.items()})


def test_nothing_configured_is_no_backend(tmp_path):
    assert read() is None
    assert backend(data=tmp_path, environ={}) is None


def test_a_token_means_the_real_vendor_even_beside_a_sandbox():
    settings = read(TOKEN="tok", SANDBOX_URL="http://127.0.0.1:1")
    assert (settings.url, settings.sandbox) == (CLOUD, False)


def test_a_sandbox_address_alone_means_the_sandbox():
    settings = read(SANDBOX_URL="http://127.0.0.1:1/")
    assert (settings.url, settings.sandbox) == ("http://127.0.0.1:1", True)
    assert settings.platforms == PLATFORMS


def test_a_token_comes_from_a_file(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-file\n")
    assert read(TOKEN_FILE=str(secret)).token.reveal() == "from-file"


def test_platforms_are_a_list():
    assert read(TOKEN="t", PLATFORMS="qpu:belenos, sim:belenos,").platforms == (
        "qpu:belenos",
        "sim:belenos",
    )


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TOKEN": "t", "URL": "ftp://x"}, "URL"),
        ({"TOKEN": "t", "URL": "http://api.example.org"}, "URL"),
        ({"TOKEN": "t", "URL": "https://user:pass@x"}, "URL"),
        ({"SANDBOX_URL": "nowhere"}, "SANDBOX_URL"),
        ({"TOKEN": "two words"}, "TOKEN"),
        ({"TOKEN": "t", "MAX_DURATION_S": "0"}, "MAX_DURATION_S"),
        ({"TOKEN": "t", "MAX_DURATION_S": "1.5"}, "MAX_DURATION_S"),
        ({"TOKEN_FILE": "/nowhere/at/all"}, "TOKEN_FILE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(environ, name):
    with pytest.raises(ValueError, match=PREFIX + name):
        read(**environ)


def test_a_token_shows_nowhere():
    settings = read(TOKEN="hidden-token")
    shown = f"{settings} {settings!r} {settings.token} {settings.token!r}"
    assert "hidden" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(settings.token)


def test_the_error_of_a_bad_token_does_not_quote_it():
    with pytest.raises(ValueError, match="characters") as caught:
        read(TOKEN="secret words")
    assert "secret" not in str(caught.value)
    assert Secret("x").reveal() == "x"
