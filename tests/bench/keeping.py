"""What does keeping cost? Bytes that a trickle of jobs adds to the database, over every device and price of a hub."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from broker.api.app import build
from broker.bootstrap import open_room
from broker.queue import SilentDoorbell
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.unit_of_work import Store
from tests.bench.rates import program
from tests.support.gateway import Clock, World
from tests.support.hub import running
from tests.support.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from broker.domain.device import Device

EVERY_S, CATALOGUE_S = 10, 30  # the latter as the setting's default
WARM, COUNTED = 20, 120
MOST_BYTES = 10_000
Row = tuple[str, float, float, float, str]


def trickle(scratch: Path) -> Row:
    """Bytes per job at one job every 10 s, each run to its end, in a catalogue whose figures move all the time."""
    with running(scratch / "hub") as hub:
        key = hub.key()
    with _world(scratch / "hub") as world:
        with world.store.read() as work:
            devices = work.catalogue.devices()
        _jobs(world, key, devices, WARM)
        before = _bytes(world.store)
        _jobs(world, key, devices, COUNTED)
        each = (_bytes(world.store) - before) / COUNTED
    return ("bytes stored per job, one job every 10 s", MOST_BYTES, each, MOST_BYTES / each, ">= 1")


@contextmanager
def _world(data: Path) -> Iterator[World]:
    store = Store(open_engine(f"sqlite:///{data / 'qsubmit.db'}"), SilentDoorbell())
    with store.read() as work:
        seen = max(device.seen_at for device in work.connection.exec_driver_sql("SELECT seen_at FROM devices"))
    clock = Clock(datetime.fromtimestamp(seen / 1e6).astimezone())
    room = open_room(Settings(pepper=(data / "pepper").read_text()), store, clock=clock)
    with store.read() as work:
        backends = {name: Scripted(name=name) for name in work.catalogue.recoveries()}
    with TestClient(build(room)) as client:
        yield World(store=store, room=room, clock=clock, backends=backends, client=client)
    store.engine.dispose()


def _jobs(world: World, key: str, devices: list[Device], count: int) -> None:
    chance, driver = random.Random(7), world.driver()
    for number in range(count):
        if number * EVERY_S % CATALOGUE_S == 0:
            _look(world, devices, chance)
        body = {"program": {"format": "openqasm2", "source": program(number)}, "shots": 100}
        answer = world.call("", "POST", "/v1/jobs", key=key, json=body)
        if answer.status_code != 202:
            raise SystemExit(f"a job was refused: {answer.text}")
        for _ in range(EVERY_S):
            driver.tick()
            world.clock.forward(1)


def _look(world: World, devices: list[Device], chance: random.Random) -> None:
    """What the vendors say now: other queues, and another room for memory on this machine."""
    for backend in world.backends:
        seen = [_moved(device, chance) for device in devices if device.backend == backend]
        with world.store.write() as work:
            work.catalogue.put_devices(backend, "rerun" if backend == "local" else "tag", seen, world.clock())


def _moved(device: Device, chance: random.Random) -> Device:
    if device.max_memory_bytes is not None:
        return replace(device, max_memory_bytes=device.max_memory_bytes + chance.randrange(1 << 30))
    return device if device.queue_depth is None else replace(device, queue_depth=chance.randrange(200))


def _bytes(store: Store) -> int:
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
        free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return (pages - free) * size
