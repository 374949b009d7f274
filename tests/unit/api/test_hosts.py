"""Who sees which hosts run local simulations, and which of them live?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from broker.domain.host import SHOWN, Host
from broker.domain.terms import Terms
from broker.store.tables import jobs

DEAD = Terms().dead


def host(gateway, name, **values):
    with gateway.store.read() as work:
        devices = tuple(device for device in work.catalogue.devices() if device.backend == "local")
    known = Host(
        id=name, machine="lab1", boot="boot", version="0.1.0", joined_at=gateway.clock(), beat_at=gateway.clock(),
        cores=8, free_cores=5, memory_bytes=1 << 34, free_memory_bytes=1 << 33, devices=devices,
    )  # fmt: skip
    return replace(known, **values)


def beat(gateway, *hosts):
    with gateway.store.write() as work:
        for each in hosts:
            work.hosts.beat(each)


def seen(gateway):
    return gateway.call("olga", "GET", "/v1/hosts").json()["hosts"]


def test_an_operator_sees_what_each_host_has_left_and_runs(gateway):
    beat(gateway, host(gateway, "one"))
    job = gateway.job(device="local/aer")["id"]
    with gateway.store.write() as work:
        work.connection.execute(update(jobs).where(jobs.c.id == job).values(host="one", state="running"))
    (only,) = seen(gateway)
    assert only.pop("devices") == sorted(device.name for device in host(gateway, "one").devices) != []
    assert only.pop("joined_at") == only.pop("beat_at")
    assert only == {
        "id": "one", "machine": "lab1", "version": "0.1.0", "lives": True, "cores": 8, "free_cores": 5,
        "memory_bytes": 1 << 34, "free_memory_bytes": 1 << 33, "runs": 1,
    }  # fmt: skip


def test_a_silent_host_is_shown_as_dead_for_a_day_and_then_forgotten(gateway):
    beat(gateway, host(gateway, "one"))
    gateway.clock.forward(DEAD.total_seconds() - 1)
    assert [each["lives"] for each in seen(gateway)] == [True]
    gateway.clock.forward(1)
    assert [each["lives"] for each in seen(gateway)] == [False]
    gateway.clock.forward((SHOWN + timedelta(seconds=1)).total_seconds())
    beat(gateway, host(gateway, "two"))
    assert [each["id"] for each in seen(gateway)] == ["two"]


def test_members_do_not_see_the_machines(gateway):
    assert gateway.call("ada", "GET", "/v1/hosts").status_code == 403
