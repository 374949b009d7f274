"""What do all tests need? Databases and a gateway for whoever asks, and tests that share a hub in one process."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# A busy machine draws slowly, and that says nothing about the code.
settings.register_profile("qsubmit", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qsubmit")

# Here and nowhere below: a session fixture that a second conftest imports is a second one, with its own PostgreSQL.
pytest_plugins = ("tests.support.databases", "tests.support.not_run", "tests.support.rooms")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """xdist 3.8 writes a test's group where pytest 9.2 no longer reads it: without this, ``loadgroup`` groups nothing.

    https://github.com/pytest-dev/pytest-xdist/issues/1386; a release that mends it makes this idle.
    """
    for item in items:
        grouped = item.__dict__.get("_nodeid")
        if grouped is not None and hasattr(item, "_id"):
            item._id = type(item._id).parse(grouped)
