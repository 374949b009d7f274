"""Are only the wanted, installed and configured backends loaded?"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from backends import registry


def made(*, data, environ):
    return (data, environ["WHO"])


def not_configured(*, data, environ):
    return None


def needs_an_extra(*, data, environ):
    raise ModuleNotFoundError("No module named 'vendor_sdk'")


@pytest.fixture(autouse=True)
def points(monkeypatch):
    module = sys.modules[__name__]
    monkeypatch.setitem(sys.modules, "registry_cases", module)
    named = {"one": "made", "none": "not_configured", "sdk": "needs_an_extra", "gone": "nowhere"}
    found = [EntryPoint(name, f"registry_cases:{value}", registry.GROUP) for name, value in named.items()]
    found[3] = EntryPoint("gone", "no_such_module_here:backend", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


def load(names, tmp_path):
    return registry.load(names, data=tmp_path, environ={"WHO": "me"})


def test_all_that_can_be_loaded_are(tmp_path):
    assert load(None, tmp_path) == {"one": (tmp_path, "me")}


def test_only_the_named_are_imported(tmp_path):
    assert load(["one"], tmp_path) == {"one": (tmp_path, "me")}
    assert load(["none"], tmp_path) == {}


@pytest.mark.parametrize("name", ["sdk", "gone"])
def test_a_named_one_that_lacks_its_extra_is_an_error(tmp_path, name):
    with pytest.raises(ImportError):
        load([name], tmp_path)


def test_an_unknown_name_is_an_error_that_lists_the_known(tmp_path):
    with pytest.raises(registry.UnknownBackend, match=r"no backend nobody; there are gone, none, one, sdk"):
        load(["nobody"], tmp_path)


def test_the_editable_install_names_the_local_simulators(monkeypatch):
    monkeypatch.undo()
    assert registry.available()["local"].value == "backends.local.adapter:backend"
