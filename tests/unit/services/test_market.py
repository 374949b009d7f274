"""What does routing look at, and whose price counts?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from sqlalchemy import func, select

from broker.domain.device import Calibration, Status
from broker.domain.device_document import MOVING
from broker.domain.hub import Access
from broker.domain.policy import Policy
from broker.domain.program import Format, Paradigm
from broker.domain.requirement import Requirement
from broker.services.decide import Asked, Decider, asked_document, decision_document, load_asked, load_decision
from broker.services.market import Market, Posted, load_snapshot
from broker.store import tables
from broker.store.catalogue import OPERATOR, VENDOR
from broker.store.rows import compact
from tests.support.gateway import DEVICES, NOW
from tests.support.routing_world import price
from tests.support.values import accesses, policies, requirements, snapshots

DAY = timedelta(days=1)
GARNET = "braket/garnet"


def row(name, origin_day, task):
    return replace(price(GARNET, "USD", task=task), id=name, as_of=NOW + origin_day * DAY)


def in_force(store, at=NOW):
    (device,) = [d for d in Market(store).now(at).snapshot.devices if d.name == GARNET]
    return device.price.id


@pytest.fixture
def unpriced(furnished):
    """A store without any price row."""
    with furnished.write() as work:
        work.connection.exec_driver_sql("DELETE FROM prices")
    return furnished


def put(store, origin, *rows):
    with store.write() as work:
        work.catalogue.put_prices(rows, origin)


def test_the_newest_row_of_the_vendor_is_in_force(unpriced):
    put(unpriced, VENDOR, row("old", -2, "1"), row("new", -1, "2"), row("future", 1, "3"))
    assert in_force(unpriced) == "new"
    assert in_force(unpriced, NOW + DAY) == "future"


def test_an_operators_row_beats_a_newer_one_of_the_vendor(unpriced):
    put(unpriced, OPERATOR, row("ours", -5, "1"), row("ours-new", -4, "1"))
    put(unpriced, VENDOR, row("theirs", -1, "2"))
    assert in_force(unpriced) == "ours-new"


def test_a_snapshot_is_shared_while_it_is_fresh_and_read_anew_after(furnished):
    market = Market(furnished)
    first = market.now(NOW)
    assert market.now(NOW + timedelta(seconds=4.9)) is first
    assert market.fresh(NOW + timedelta(seconds=5)) is None
    assert market.now(NOW + timedelta(seconds=5)) is not first


def test_a_pause_reaches_the_next_snapshot(furnished):
    with furnished.write() as work:
        work.catalogue.pause("braket", "why", NOW, None)
    assert Market(furnished).now(NOW).snapshot.paused == {"braket": "why"}


def test_a_posted_snapshot_loads_back_equal(furnished):
    posted = Market(furnished).now(NOW)
    assert load_snapshot(posted.text) == posted.snapshot


def kept_bytes(store):
    with store.read() as work:
        sizes = [func.coalesce(func.sum(func.length(t.c.packed)), 0) for t in (tables.parts, tables.cut_snapshots)]
        return sum(work.connection.execute(select(size)).scalar_one() for size in sizes)


def keep(store, posted):
    before = kept_bytes(store)
    with store.write() as work:
        work.archive.keep_snapshots([(posted.id, posted.pieces())])
        work.archive.keep_decisions([(f"on {posted.id}", posted.id, "{}")])
    return kept_bytes(store) - before


def test_a_snapshot_is_read_as_it_was_and_its_next_one_is_kept_for_what_moved(furnished):
    large = replace(DEVICES[1], calibration=Calibration(raw="".join(f"{n:x}" for n in range(20_000))), queue_depth=1)
    with furnished.write() as work:
        work.catalogue.put_devices("braket", "token", [large], NOW)
    first = Market(furnished).now(NOW)
    whole = keep(furnished, first)
    moved = replace(large, queue_depth=7, status=Status.OFFLINE)
    with furnished.write() as work:
        work.catalogue.put_devices("braket", "token", [moved], NOW)
        work.catalogue.pause("pasqal", "why", NOW, None)
    second = Market(furnished).now(NOW)
    assert whole > 20_000
    assert keep(furnished, second) < 500
    with furnished.read() as work:
        for posted in (first, second):
            assert work.archive.decision(f"on {posted.id}") == ("{}", posted.text)


def test_a_snapshot_kept_whole_by_the_release_before_is_read(furnished):
    posted = Market(furnished).now(NOW)
    with furnished.write() as work:
        work.connection.execute(tables.snapshots.insert().values(id=posted.id, body=posted.text))
        work.connection.execute(tables.decisions.insert().values(id="d", snapshot_id=posted.id, body="whole"))
    with furnished.read() as work:
        assert work.archive.decision("d") == ("whole", posted.text)


def test_the_backlog_makes_a_device_look_slower(gateway):
    def wait():
        (device,) = [d for d in gateway.call("ada", "GET", "/v1/devices").json()["devices"] if d["name"] == GARNET]
        return device["wait_s"]

    before = wait()
    for _ in range(5):
        gateway.job("ada", device=GARNET)
    gateway.clock.forward(30)
    assert wait() > before


@settings(max_examples=60, deadline=None)
@given(snapshots)
def test_a_text_in_pieces_is_the_text_of_the_document(snapshot):
    text = compact(snapshot.document())
    pieces = Posted(id="s", snapshot=snapshot, text=text).pieces()
    assert pieces.whole() == text
    assert len(pieces.shared) == len(snapshot.devices) + 1
    moving = tuple(f'"{name}":' for name in MOVING)
    assert not any(part.startswith(("{", *moving)) for part in pieces.shared)


@settings(max_examples=60, deadline=None)
@given(requirements, policies, accesses, snapshots)
def test_every_question_and_answer_survives_its_document(need, policy, access, snapshot):
    asked = Asked(need=need, policy=policy, access=access, currency="KRW")
    assert load_asked(asked_document(asked)) == asked
    decided = Decider().decide(asked, Posted(id="s", snapshot=snapshot, text=""))
    assert load_decision(decision_document(decided.decision)) == decided.decision


def test_equal_questions_on_one_snapshot_share_one_answer(furnished):
    posted, decider = Market(furnished).now(NOW), Decider()
    asked = Asked(
        need=Requirement(format=Format.OPENQASM2, paradigm=Paradigm.GATE, width=2), policy=Policy(),
        access=Access(hub="h", hub_name="H", agreements=()), currency="KRW",
    )  # fmt: skip
    assert decider.decide(asked, posted) is decider.decide(replace(asked), posted)
