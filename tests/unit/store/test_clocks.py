"""Is the hub's time there for processes that start later?"""

from __future__ import annotations

import time
from weakref import ref

from broker.clock import Steady, boot_id, hub_clock, note, uptime_now, wall_now
from broker.domain.clock import SECOND, Beat

HOUR = 3600 * SECOND


def test_the_newest_beat_of_a_boot_is_kept(store):
    with store.write() as work:
        for beat in (Beat(hub=10, uptime=1), Beat(hub=30, uptime=3), Beat(hub=20, uptime=2)):
            work.clocks.note("this", beat)
        work.clocks.note("other", Beat(hub=70, uptime=1))
    with store.read() as work:
        assert work.clocks.beats("this") == (Beat(hub=30, uptime=3), 70)
        assert work.clocks.beats("nobody") == (None, 70)


def test_a11_a_worker_started_after_the_clock_was_set_back_sees_the_time_of_the_others(store):
    ahead = Steady(Beat(hub=wall_now() + HOUR, uptime=uptime_now()))
    with store.write() as work:
        note(work, ahead)
    late = hub_clock(store)
    assert abs((late() - ahead()).total_seconds()) < 1.0
    assert late.ahead().total_seconds() > 3500


def test_without_a_note_the_hub_begins_at_the_clock_on_the_wall(store):
    clock = hub_clock(store)
    assert abs(clock().timestamp() - time.time()) < 1.0
    assert abs(clock.ahead().total_seconds()) < 1.0


def test_a_note_is_of_this_boot(store):
    with store.write() as work:
        note(work, hub_clock(store))
    with store.read() as work:
        assert work.clocks.beats(boot_id())[0] is not None


def test_postgresql_tells_its_own_time(store):
    if store.engine.dialect.name != "postgresql":
        return
    with store.read() as work:
        assert abs(work.clocks.server() - wall_now()) < 5 * SECOND


def test_a11_a_worker_that_nobody_rings_follows_the_hub_all_the_same(store, monkeypatch):
    """Idle for an hour, it would learn of a step of the wall clock at its end, and be minutes from the others."""
    monkeypatch.setattr("broker.clock.BEAT_S", 0.01)
    idle = hub_clock(store)
    began, deadline = idle._beat.uptime, time.monotonic() + 5
    while idle._beat.uptime == began and time.monotonic() < deadline:
        time.sleep(0.01)
    assert idle._beat.uptime > began


def test_a_clock_that_nobody_keeps_is_not_kept_going(store, monkeypatch):
    monkeypatch.setattr("broker.clock.BEAT_S", 0.01)
    kept = ref(hub_clock(store))
    deadline = time.monotonic() + 5
    while kept() is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert kept() is None
