"""Which hubs are hurt? One per database, with its vendors beside it, shared by all cases of a test process."""

from __future__ import annotations

import pytest

from tests.support.crash_hub import crash_hub


@pytest.fixture(scope="session")
def hubs(tmp_path_factory):
    """The hub of a database, started when it is first asked for."""
    started = {}

    def hub_on(database):
        if database not in started:
            opened = crash_hub(tmp_path_factory.mktemp(f"crash-{database}"), database)
            started[database] = (opened, opened.__enter__())
        return started[database][1]

    yield hub_on
    for opened, _ in started.values():
        opened.__exit__(None, None, None)
