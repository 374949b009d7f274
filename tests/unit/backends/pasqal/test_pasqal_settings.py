"""Is the account read from the environment, and its password never shown?"""

from __future__ import annotations

import pickle

import pytest

from backends.environment import Secret
from backends.pasqal.adapter import backend
from backends.pasqal.settings import settings_from

REAL = {
    "QSUBMIT_PASQAL_USERNAME": "someone@example.org",
    "QSUBMIT_PASQAL_PASSWORD": "canary-password",
    "QSUBMIT_PASQAL_PROJECT_ID": "7f2f47cc-6bb2-4b0f-9b41-6a2b6c1f9f11",
}


def test_nothing_configured_is_no_backend(tmp_path):
    assert backend(data=tmp_path, environ={}) is None


def test_the_real_vendor_wins_over_a_sandbox():
    settings = settings_from({**REAL, "QSUBMIT_PASQAL_SANDBOX_URL": "http://127.0.0.1:1"})
    assert settings.sandbox is False
    assert settings.core_url is None


def test_a_sandbox_address_alone_is_enough():
    settings = settings_from({"QSUBMIT_PASQAL_SANDBOX_URL": "http://127.0.0.1:1/"})
    assert settings.sandbox is True
    assert settings.core_url == "http://127.0.0.1:1/core-fast"
    assert settings.token_url == "http://127.0.0.1:1/oauth/token"


def test_the_password_may_stand_in_a_file(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("from-a-file\n")
    environ = {name: value for name, value in REAL.items() if "PASSWORD" not in name}
    settings = settings_from({**environ, "QSUBMIT_PASQAL_PASSWORD_FILE": str(secret)})
    assert settings.password.reveal() == "from-a-file"


def test_bounds_of_emulators_are_read():
    settings = settings_from({**REAL, "QSUBMIT_PASQAL_WIDTHS": "EMU_FREE=12, EMU_SV=25"})
    assert settings.widths == {"EMU_FREE": 12, "EMU_SV": 25}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"QSUBMIT_PASQAL_PASSWORD": ""}, "PASSWORD"),
        ({"QSUBMIT_PASQAL_PROJECT_ID": "my project"}, "PROJECT_ID"),
        ({"QSUBMIT_PASQAL_REGION": "mars"}, "REGION"),
        ({"QSUBMIT_PASQAL_CORE_URL": "http://example.org"}, "CORE_URL"),
        ({"QSUBMIT_PASQAL_CORE_URL": "https://me:word@example.org"}, "CORE_URL"),
        ({"QSUBMIT_PASQAL_WIDTHS": "EMU_SV=many"}, "WIDTHS"),
        ({"QSUBMIT_PASQAL_PASSWORD": "", "QSUBMIT_PASQAL_PASSWORD_FILE": "/nowhere"}, "PASSWORD_FILE"),
    ],
)
def test_a_wrong_setting_is_named_and_the_password_is_not(change, named):
    with pytest.raises(ValueError, match=named) as caught:
        settings_from({**REAL, **change})
    assert "canary-password" not in str(caught.value)


def test_the_password_shows_itself_nowhere(tmp_path):
    made = backend(data=tmp_path, environ=REAL)
    shown = f"{settings_from(REAL)!r} {settings_from(REAL)} {made!r} {made.cloud!r}"
    assert "canary-password" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(Secret("canary-password"))
