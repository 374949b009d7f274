"""Which hubs do the end-to-end tests run on? Both databases, each with a queue and without one."""

from __future__ import annotations

import pytest

from tests.support.hub import running

WAYS = {
    "sqlite": ("--no-sandbox",),
    "postgres": ("--no-sandbox", "--postgres"),
}
SILENT = {name: (*options, "--no-redis") for name, options in WAYS.items()}


@pytest.fixture(scope="session", params=[pytest.param(w, marks=pytest.mark.xdist_group(f"hub-{w}")) for w in WAYS])
def hub(request, tmp_path_factory):
    with running(tmp_path_factory.mktemp("hub") / "data", *WAYS[request.param]) as started:
        yield started


@pytest.fixture(scope="session", params=[pytest.param(w, marks=pytest.mark.xdist_group(f"silent-{w}")) for w in WAYS])
def silent_hub(request, tmp_path_factory):
    """Redis is switched off: the scans alone keep the service working."""
    with running(tmp_path_factory.mktemp("silent") / "data", *SILENT[request.param]) as started:
        yield started
