"""Does a local run stay with its host, and find another when that one dies?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backends.errors import Busy
from broker.domain.host import Capacity, Weight
from broker.domain.recovery import Recovery
from broker.domain.terms import Terms
from broker.services.invariants import verify
from tests.support.scripted import DONE, RUNNING, Scripted
from workers.drive import Driver
from workers.heart import Heart, host_id

DEAD = Terms().dead
LEASE_S = 100  # longer than any lease
FREE = Capacity(cores=4, free_cores=4, memory_bytes=1 << 33, free_memory_bytes=1 << 33)


class Machine(Scripted):
    """A local backend that knows its own runs only, on a host with a heart and a worker."""

    def __init__(self, world, name):
        devices = [device for device in world.catalogue if device.backend == "local"]
        super().__init__(name="local", recovery=Recovery.RERUN, offered=tuple(devices), word=RUNNING)
        self.reply = lambda order: f"{name}-{len(self.sent) - 1}"
        self.asked = []
        self.left = FREE
        self.weight = Weight()
        self.world = world
        self.heart = Heart(world.store, name, self, dead=DEAD)
        self.driver = Driver(
            store=world.store,
            backends={"local": self},
            owner=f"worker of {name}",
            terms=replace(world.room.settings.terms, stay=timedelta(0)),
            clock=world.clock,
            devices=lambda: {device.name: device for device in devices},
            heart=self.heart,
        )

    def poll(self, remote_ids):
        self.asked += remote_ids
        return super().poll(remote_ids)

    def capacity(self):
        if isinstance(self.left, Exception):
            raise self.left
        return self.left

    def weigh(self, device, need, *, method, memory_bytes):
        return self.weight

    def look(self, *, beats=True):
        if beats:
            self.heart.beat(self.world.clock())
        return self.driver.tick()


@pytest.fixture
def world(both):
    with both.store.read() as work:
        both.catalogue = work.catalogue.devices()
    return both


@pytest.fixture
def two(world):
    return Machine(world, "one"), Machine(world, "two")


def stored(world, job):
    with world.store.read() as work:
        return work.jobs.get(job), work.attempts.of(job)


def begun(world, machine, member="ada"):
    job = world.job(member, device="local/aer")["id"]
    machine.look()
    return job


def pass_time(world, seconds, *living):
    """In steps of a heartbeat, at each of which those that live look."""
    for _ in range(int(seconds / 5)):
        world.clock.forward(5)
        for machine in living:
            machine.look()


def test_a_run_is_bound_to_the_host_that_took_it(world, two):
    one, two = two
    job = begun(world, one)
    known, (attempt,) = stored(world, job)
    assert (known.host, attempt.host, known.remote_id) == ("one", "one", "one-0")
    pass_time(world, 300, one, two)
    assert two.asked == []
    assert set(one.asked) == {"one-0"}
    assert len(one.sent) + len(two.sent) == 1


def test_an_idle_host_is_not_woken_by_another_hosts_runs(world, two):
    """What is due for one is not due for all: a host that is slow to look must not keep the others busy."""
    one, two = two
    begun(world, one)
    two.look()
    world.clock.forward(30)
    with world.store.read() as work:
        mine, theirs = (
            work.jobs.next_due(["local"], sent=True, here=each.heart.here(world.clock())) for each in (one, two)
        )
    assert mine < world.clock()
    assert theirs is None


def test_a_dead_hosts_run_is_run_again_elsewhere_once(world, two):
    one, two = two
    job = begun(world, one)
    two.look()
    pass_time(world, DEAD.total_seconds() - 10, two)
    assert len(two.sent) == 0
    pass_time(world, LEASE_S, two)
    known, (first, second) = stored(world, job)
    assert (known.host, second.host, len(two.sent)) == ("two", "two", 1)
    assert (first.end.value, first.detail) == ("lost", "its host is gone")
    assert "one-0" not in two.asked
    two.word = DONE
    pass_time(world, 20, two)
    assert world.see(job)["state"] == "succeeded"
    assert [found for found in verify(world.store, world.clock()) if not found.holds] == []


def test_a_dead_hosts_run_that_is_not_wanted_any_more_ends(world, two):
    one, two = two
    job = begun(world, one)
    assert world.call("ada", "POST", f"/v1/jobs/{job}/cancel").status_code < 300
    pass_time(world, 200, two)
    view = world.see(job)
    assert (view["state"], view["cost"]["held"], view["cost"]["charged"]) == ("cancelled", "0", "0")
    assert (two.sent, two.cancelled) == ([], [])


def test_a_run_that_was_being_sent_when_its_host_died_is_run_again(world, two):
    one, two = two
    one.reply = Exception("never written")
    job = world.job(device="local/aer")["id"]
    one.heart.beat(world.clock())
    one.driver._start = lambda *_: None  # the host dies over it
    one.driver.tick()
    assert stored(world, job)[0].host == "one"
    pass_time(world, 200, two)
    assert (stored(world, job)[0].host, len(two.sent)) == ("two", 1)


def test_a_host_that_stood_still_writes_nothing_of_what_it_lost(world, two):
    one, two = two
    job = begun(world, one)
    pass_time(world, 200, two)
    one.word = DONE
    one.look()
    pass_time(world, 20, one, two)
    known, attempts = stored(world, job)
    assert (known.host, known.remote_id, known.state.value) == ("two", "two-0", "running")
    assert len(attempts) == 2


def test_who_is_not_heard_of_begins_nothing_and_takes_nobodys_runs(world, two):
    one, two = two
    dead = begun(world, one)
    fresh = world.job(device="local/aer")["id"]
    two.left = Busy("the local host stands still", retry_after=1)
    pass_time(world, 200, two)
    assert two.sent == []
    assert stored(world, dead)[0].host == "one"
    two.left = FREE
    pass_time(world, 30, two)
    assert {stored(world, job)[0].host for job in (dead, fresh)} == {"two"}


def test_a_job_waits_for_a_host_that_can_run_it(world, two):
    one, two = two
    one.offered = tuple(device for device in one.offered if device.name != "local/aer")
    job = begun(world, one)
    assert stored(world, job)[0].state.value == "queued"
    two.look()
    assert stored(world, job)[0].host == "two"


def test_each_host_has_its_own_k(world, two):
    one, two = two
    devices = {device.name: replace(device, concurrency=2) for device in one.offered}
    for machine in (one, two):
        machine.driver._claims._devices = lambda: devices
    for _ in range(5):
        world.job(device="local/aer")
    one.look()
    two.look()
    one.look()
    assert (len(one.sent), len(two.sent)) == (2, 2)


def test_vendors_jobs_are_everybodys_whoever_began_them(world, two):
    one, two = two
    vendor = Scripted(name="braket", word=RUNNING)
    for machine in (one, two):
        machine.driver = Driver(
            store=world.store,
            backends={"local": machine, "braket": vendor},
            owner=machine.driver._claims._owner,
            terms=world.room.settings.terms,
            clock=world.clock,
            devices=world._devices,
            heart=machine.heart,
        )
    job = world.job(device="braket/garnet")["id"]
    one.look()
    assert stored(world, job)[0].host is None
    vendor.word = DONE
    world.clock.forward(10)
    two.look()
    assert world.see(job)["state"] == "succeeded"


def test_the_hosts_id_is_its_directorys_on_this_boot(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    assert host_id(here, "boot") == host_id(here, "boot")
    assert len({host_id(here, "boot"), host_id(there, "boot"), host_id(here, "next boot")}) == 3


def test_a_heart_that_others_have_heard_of_does_not_beat_again(world):
    one = Machine(world, "one")
    again = Heart(world.store, "one", one, dead=DEAD)
    one.heart.beat(world.clock())
    first = world.clock()
    world.clock.forward(2)
    again.beat(world.clock())
    with world.store.read() as work:
        assert work.hosts.last_beat("one") == first
    assert again.has(one.offered[0], world.clock())
    world.clock.forward(10)
    again.beat(world.clock())
    with world.store.read() as work:
        (host,) = work.hosts.known()
    assert (host.joined_at, host.beat_at) == (first, world.clock())
    assert (host.cores, host.free_memory_bytes, host.devices) == (4, 1 << 33, one.offered)


LARGE = Weight(cores=1, seconds=60.0, memory_bytes=1 << 30)


def test_a_host_begins_no_more_large_runs_than_it_has_room_for_if_others_can_take_them(world, two):
    one, two = two
    for machine in (one, two):
        machine.weight = LARGE
        machine.heart.beat(world.clock())
    world.clock.forward(11)  # the next beat of each has seen the other
    made = [world.job(device="local/aer")["id"] for _ in range(12)]
    one.look()
    two.look()
    # Four on free cores, and one that waits for the next free one; of the second host too. The rest waits here.
    assert (len(one.sent), len(two.sent)) == (5, 5)
    assert sorted(stored(world, job)[0].state.value for job in made) == ["queued"] * 2 + ["submitted"] * 10


def test_a_host_that_is_alone_takes_all(world):
    one = Machine(world, "one")
    one.weight = LARGE
    for _ in range(12):
        world.job(device="local/aer")
    one.look()
    assert len(one.sent) == 12


def test_a_run_that_is_too_large_for_one_host_waits_for_the_other(world, two):
    one, two = two
    one.left = replace(FREE, memory_bytes=1 << 29, free_memory_bytes=1 << 29)
    one.weight = two.weight = LARGE
    for machine in (one, two):
        machine.heart.beat(world.clock())
    world.clock.forward(11)
    job = world.job(device="local/aer")["id"]
    one.look()
    assert (one.sent, stored(world, job)[0].state.value) == ([], "queued")
    two.look()
    assert stored(world, job)[0].host == "two"


def test_small_runs_always_have_room():
    full = replace(FREE, free_cores=0, free_memory_bytes=0, backlog_s=100.0)
    small = Weight(seconds=0.001, memory_bytes=1 << 20)
    assert full.after(small) == full
    assert full.after(LARGE) is None
