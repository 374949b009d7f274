"""Does ``/readyz`` tell what stands still?"""

from __future__ import annotations

import resource
from contextlib import contextmanager
from datetime import timedelta

import pytest


@pytest.fixture
def look(gateway, monkeypatch):
    monkeypatch.setattr("broker.services.readiness.KEPT_S", 0.0)

    def ask():
        answer = gateway.client.get("/readyz")
        return answer.status_code, answer.json()["status"], answer.json()["checks"]

    return ask


@pytest.fixture
def scanned(gateway):
    with gateway.store.write() as work:
        work.leases.take("scan", "worker", gateway.clock(), timedelta(0))
        work.leases.succeed("scan", gateway.clock())


@pytest.mark.usefixtures("scanned")
def test_a_hub_that_works_is_ok(look):
    assert look()[:2] == (200, "ok")


def test_a11_a_hub_that_nobody_has_scanned_is_degraded_but_admits(look):
    code, word, checks = look()
    assert (code, word, checks["scan"]) == (200, "degraded", "no worker has finished a scan yet")


@pytest.mark.usefixtures("scanned")
def test_a11_a_scanner_that_stands_still_is_told(gateway, look):
    gateway.clock.forward(200)
    assert look()[1] == "degraded"
    assert look()[2]["scan"] == "no worker has finished a scan for 200 s"


def test_a11_a_job_at_a_vendor_at_which_nobody_looks_is_told(gateway, look):
    gateway.job(device="braket/garnet")
    gateway.driver().tick()
    gateway.clock.forward(3600)
    with gateway.store.write() as work:
        work.leases.take("scan", "worker", gateway.clock(), timedelta(0))
        work.leases.succeed("scan", gateway.clock())
    code, word, checks = look()
    assert (code, word) == (200, "degraded")
    assert checks["scan"] == "ok"
    assert checks["jobs"].startswith("a job is due since 3")


@pytest.mark.usefixtures("scanned")
def test_a11_a_clock_that_was_set_back_is_told(gateway, look):
    gateway.clock.wall_ahead = timedelta(hours=-1)
    assert look()[1:] == (
        "degraded",
        look()[2] | {"clock": "the machine's clock is 3600 s behind the hub's, which follows it slowly"},
    )


@contextmanager
def a_full_disk():
    """Nothing more can be written to any file by this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("scanned")
def test_a11_a_full_disk_is_unready(gateway, look):
    if gateway.store.engine.dialect.name != "sqlite":
        pytest.skip("the server of PostgreSQL is not this process")
    assert look()[:2] == (200, "ok")
    gateway.clock.forward(1)
    with a_full_disk():
        code, word, checks = look()
    assert (code, word) == (503, "unready")
    assert checks["database"].startswith("cannot be written: ")
    gateway.clock.forward(1)
    assert look()[:2] == (200, "ok")


@pytest.mark.usefixtures("scanned")
def test_many_who_ask_at_once_share_one_look(gateway, monkeypatch):
    looks = []
    monkeypatch.setattr(type(gateway.room.readiness), "_look", lambda self: looks.append(1) or {"database": "ok"})
    for _ in range(20):
        gateway.client.get("/readyz")
    assert len(looks) == 1
