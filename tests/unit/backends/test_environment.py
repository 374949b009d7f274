"""Is a setting found where it stands, refused by its name, and a secret shown to nobody?"""

from __future__ import annotations

import pickle

import pytest

from backends.environment import Secret, address, required, secret, text

NAME = "QSUBMIT_VENDOR_KEY"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "key"
    path.write_text(" from-a-file\n")
    return str(path)


@pytest.mark.parametrize(("environ", "found"), [({}, ""), ({NAME: ""}, ""), ({NAME: " set \n"}, "set")])
def test_a_text_loses_the_space_around_it(environ, found):
    assert text(environ, NAME) == found


def test_a_text_may_stand_in_a_file_and_what_is_set_wins(file):
    assert text({f"{NAME}_FILE": file}, NAME) == "from-a-file"
    assert text({f"{NAME}_FILE": file, NAME: "set"}, NAME) == "set"
    assert text({f"{NAME}_FILE": "/nowhere", NAME: "set"}, NAME) == "set"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["not there", "no text"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{NAME}_FILE cannot be read: {path}$"):
        text({f"{NAME}_FILE": str(path)}, NAME)


def test_what_is_required_and_missing_is_named_with_both_its_names():
    assert required({NAME: "set"}, NAME) == "set"
    with pytest.raises(ValueError, match=f"^{NAME} or {NAME}_FILE is missing$"):
        required({}, NAME)


def test_no_secret_is_none(file):
    assert secret({}, NAME) is None
    assert secret({f"{NAME}_FILE": file}, NAME).reveal() == "from-a-file"


@pytest.mark.parametrize("given", ["two words", "two\nlines", "schlüssel", "bell\a"])
def test_a_secret_that_fits_into_no_header_is_refused_and_not_quoted(given):
    with pytest.raises(ValueError, match=f"^{NAME} holds characters that no token has$") as caught:
        secret({NAME: given}, NAME, kind="token")
    assert given not in str(caught.value)


@pytest.mark.parametrize("url", ["nowhere", "ftp://x", "https://", "https://me@x", "https://me:word@x"])
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(ValueError, match=rf"^{NAME} must be an http\(s\) address without credentials$"):
        address(url, NAME)


@pytest.mark.parametrize("url", ["https://x/a", "http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]:1/a"])
def test_what_carries_a_secret_is_safe_or_stays_on_this_machine(url):
    assert address(f"{url}/", NAME, carries="a key travels to it") == url


def test_http_over_a_network_is_only_for_what_carries_nothing():
    assert address("http://bench.example", NAME) == "http://bench.example"
    with pytest.raises(ValueError, match=f"^{NAME} must be https: a key travels to it$"):
        address("http://bench.example", NAME, carries="a key travels to it")


def test_a_secret_shows_itself_only_on_demand():
    hidden = Secret("canary")
    assert "canary" not in f"{hidden} {hidden!r} {[hidden]}"
    assert hidden.reveal() == "canary"
    with pytest.raises(TypeError):
        pickle.dumps(hidden)
