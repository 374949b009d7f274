"""Which account does an environment name, and does any credential ever show?"""

from __future__ import annotations

import pickle

import pytest

from backends.braket.adapter import backend
from backends.braket.settings import settings_from

KEYS = {"QSUBMIT_BRAKET_ACCESS_KEY_ID": "AKIAEXAMPLE", "QSUBMIT_BRAKET_SECRET_ACCESS_KEY": "very-secret"}
BUCKET = {"QSUBMIT_BRAKET_BUCKET": "amazon-braket-hub-{region}"}


def test_nothing_configured_is_no_backend(tmp_path):
    assert backend(data=tmp_path, environ={}) is None


def test_a_sandbox_address_gives_the_sandbox():
    settings = settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9/"})
    assert (settings.sandbox, settings.endpoint) == (True, "http://127.0.0.1:9")


def test_real_keys_win_over_a_sandbox():
    settings = settings_from({**KEYS, **BUCKET, "QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9"})
    assert (settings.sandbox, settings.endpoint) == (False, None)
    assert settings.credentials.secret_key.reveal() == "very-secret"


def test_a_secret_may_stand_in_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("from-file\n")
    changed = {**KEYS, **BUCKET, "QSUBMIT_BRAKET_SECRET_ACCESS_KEY_FILE": str(path)}
    del changed["QSUBMIT_BRAKET_SECRET_ACCESS_KEY"]
    assert settings_from(changed).credentials.secret_key.reveal() == "from-file"


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({**KEYS, "QSUBMIT_BRAKET_BUCKET": "my-bucket"}, "BUCKET"),
        ({"QSUBMIT_BRAKET_ACCESS_KEY_ID": "AKIA", **BUCKET}, "belong together"),
        ({**KEYS, **BUCKET, "QSUBMIT_BRAKET_SECRET_ACCESS_KEY": "two words"}, "SECRET_ACCESS_KEY"),
        ({"QSUBMIT_BRAKET_SANDBOX_URL": "http://me:secret@host"}, "SANDBOX_URL"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(environ, name):
    with pytest.raises(ValueError, match=name) as caught:
        settings_from(environ)
    assert "two words" not in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_a_profile_or_the_machines_role_are_credentials_too():
    assert settings_from({**BUCKET, "QSUBMIT_BRAKET_PROFILE": "hub"}).credentials.profile == "hub"
    assert settings_from({**BUCKET, "QSUBMIT_BRAKET_MACHINE_ROLE": "1"}).credentials.access_key is None


def test_credentials_show_nowhere():
    settings = settings_from({**KEYS, **BUCKET})
    shown = repr(settings) + str(settings.credentials) + f"{settings.credentials.secret_key}"
    assert "very-secret" not in shown
    assert "AKIAEXAMPLE" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(settings.credentials.secret_key)
