"""Is an orphan noted once and settled once?"""

from __future__ import annotations

from datetime import UTC, datetime

from broker.domain.money import Money

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
COST = Money(currency="USD", micros=300_000)


def test_an_orphan_is_noted_once(store):
    with store.write() as work:
        assert work.orphans.note("braket", "r", "braket/garnet", NOW)
        assert not work.orphans.note("braket", "r", None, NOW)
        assert work.orphans.note("pasqal", "r", None, NOW)
    with store.read() as work:
        assert work.orphans.noted("braket", settled=False) == {"r": "braket/garnet"}
        assert work.orphans.noted("pasqal", settled=False) == {"r": None}


def test_an_orphan_is_settled_once(store):
    with store.write() as work:
        work.orphans.note("braket", "r", "braket/garnet", NOW)
        work.orphans.note("braket", "free", "braket/sv1", NOW)
        assert not work.orphans.settle("braket", "nobody", COST)
        assert work.orphans.settle("braket", "r", COST)
        assert not work.orphans.settle("braket", "r", COST)
        assert work.orphans.settle("braket", "free", None)
    with store.read() as work:
        assert work.orphans.noted("braket", settled=False) == {}
        assert set(work.orphans.noted("braket", settled=True)) == {"r", "free"}
