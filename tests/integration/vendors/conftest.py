"""What do several of these files run against? Pasqal's whole route, and a Perceval that writes into a test's folder."""

from __future__ import annotations

import pytest

from backends.pasqal.adapter import PasqalBackend
from backends.pasqal.sandbox.serve import Sandbox
from backends.pasqal.settings import sandbox_settings
from backends.sandboxing.serving import Served


@pytest.fixture(scope="module")
def pasqal(tmp_path_factory):
    """Sandbox, adapter, and devices by name."""
    sandbox = Sandbox(tmp_path_factory.mktemp("pasqal"))
    served = Served(sandbox.app)
    backend = PasqalBackend(sandbox_settings(served.url))
    yield sandbox, backend, {device.name: device for device in backend.devices()}
    backend.close()
    served.close()
    sandbox.close()


@pytest.fixture(scope="module")
def pcvl(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("PCVL_PERSISTENT_PATH", str(tmp_path_factory.mktemp("perceval")))
    import perceval

    yield perceval
    patch.undo()
