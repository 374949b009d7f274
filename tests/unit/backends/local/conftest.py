"""One host for all tests of this folder, and orders for it."""

from __future__ import annotations

import os

import pytest

from backends.local.adapter import LocalBackend
from tests.support.local_orders import Orders


def local_backend(data, **bounds):
    wanted = {"max_run_s": 30.0, "idle_s": 5.0, "memory_bytes": 2 << 30} | bounds
    return LocalBackend(data=data, environ=os.environ, **wanted)


@pytest.fixture(scope="session")
def backend(tmp_path_factory):
    """The device under test; its host ends with the session."""
    made = local_backend(tmp_path_factory.mktemp("local"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def orders(backend):
    return Orders({device.name: device for device in backend.devices()})
