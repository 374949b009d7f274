"""What do all tests need? That tests which share a hub also share a process."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """xdist 3.8 writes a test's group where pytest 9.2 no longer reads it: without this, ``loadgroup`` groups nothing.

    https://github.com/pytest-dev/pytest-xdist/issues/1386; a release that mends it makes this idle.
    """
    for item in items:
        grouped = item.__dict__.get("_nodeid")
        if grouped is not None and hasattr(item, "_id"):
            item._id = type(item._id).parse(grouped)
