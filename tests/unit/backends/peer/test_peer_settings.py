"""Are the peers that the environment names the ones that we talk to, and do their keys stay hidden?"""

from __future__ import annotations

import pickle

import pytest

from backends.peer.adapter import backend
from backends.peer.settings import settings_from

URLS = "QSUBMIT_PEER_URLS"
KEY = {"QSUBMIT_PEER_SEOUL_KEY": "s3cret"}


def test_without_an_address_there_is_no_peer(tmp_path):
    assert settings_from({}) == ()
    assert backend(data=tmp_path, environ={}) is None


def test_several_hubs_each_with_a_key_of_its_own(tmp_path):
    (tmp_path / "key").write_text("theirs\n")
    environ = {URLS: "seoul=http://127.0.0.1:1/,paris=https://paris.example/q", **KEY}
    environ["QSUBMIT_PEER_PARIS_KEY_FILE"] = str(tmp_path / "key")
    seoul, paris = settings_from(environ)
    assert (seoul.name, seoul.url, seoul.key.reveal()) == ("seoul", "http://127.0.0.1:1", "s3cret")
    assert (paris.name, paris.url, paris.key.reveal()) == ("paris", "https://paris.example/q", "theirs")


def test_one_hub_alone():
    environ = {"QSUBMIT_PEER_URL": "https://hub.example", "QSUBMIT_PEER_KEY": "k"}
    assert [peer.name for peer in settings_from(environ)] == ["hub"]
    assert [peer.name for peer in settings_from(environ | {"QSUBMIT_PEER_NAME": "paris"})] == ["paris"]


WRONG = {
    "no key": {URLS: "seoul=https://seoul.example"},
    "no name": {URLS: "https://seoul.example", **KEY},
    "a name that no device can bear": {URLS: "Seoul-1=https://seoul.example", **KEY},
    "no https": {URLS: "seoul=http://seoul.example", **KEY},
    "no address": {URLS: "seoul=ftp://seoul.example", **KEY},
    "credentials in the address": {URLS: "seoul=https://me:s3cret@seoul.example", **KEY},
    "twice": {URLS: "seoul=https://a.example,seoul=https://b.example", **KEY},
    "a key of two lines": {URLS: "seoul=https://a.example", "QSUBMIT_PEER_SEOUL_KEY": "s3cret\nX: y"},
    "a key file that is not there": {URLS: "seoul=https://a.example", "QSUBMIT_PEER_SEOUL_KEY_FILE": "/no/such"},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_is_said_without_the_key(name):
    with pytest.raises(ValueError, match=r"^(QSUBMIT_PEER_|a peer's name)") as caught:
        settings_from(WRONG[name])
    assert "s3cret" not in str(caught.value)


def test_a_key_shows_itself_to_nobody():
    [seoul] = settings_from({URLS: "seoul=https://seoul.example", **KEY})
    assert "s3cret" not in f"{seoul!r} {seoul.key} {seoul.key!r}"
    with pytest.raises(TypeError):
        pickle.dumps(seoul.key)
