"""Does routing choose as its docstrings promise, whatever the devices are?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.device import Calibration, Kind
from broker.domain.hub import Access, Agreement
from broker.domain.money import MICRO
from broker.domain.policy import Policy, Preference
from broker.domain.price import Price, flat
from broker.domain.routing import Forecast, Snapshot, route
from tests.support import values
from tests.support.routing_world import NEEDS, WORLD, access_of, qpu, simulator

ANY = Access(hub="h", hub_name="H", agreements=(Agreement(id="1", hub="h", pattern="*", source="test"),))


@given(values.requirements, values.policies, values.accesses, values.snapshots)
def test_a_stored_snapshot_gives_the_same_decision(need, policy, access, snapshot):
    replayed = Snapshot.load(json.loads(json.dumps(snapshot.document())))
    assert route(need, policy, access, replayed, currency="KRW") == route(
        need, policy, access, snapshot, currency="KRW"
    )


@given(values.requirements, values.policies, values.accesses, values.snapshots)
def test_every_device_is_answered_once_and_the_choice_is_an_offer(need, policy, access, snapshot):
    decision = route(need, policy, access, snapshot, currency="KRW")
    offers = [offer.device for offer in decision.offers]
    refusals = [refusal.device for refusal in decision.refusals]
    named = {policy.device} - {None}
    assert sorted(offers + refusals) == sorted({device.name for device in snapshot.devices} | named)
    assert refusals == sorted(refusals)
    assert list(decision.offers) == sorted(decision.offers, key=lambda offer: (offer.score, offer.device))
    assert decision.choice is None or decision.choice in offers
    if policy.device is not None:
        assert decision.choice in (policy.device, None)
        assert (decision.choice is None) == (policy.device in refusals)
    elif offers:
        assert decision.choice == offers[0]
    assert decision.why.endswith(".")


@settings(max_examples=50)
@given(values.requirements, values.policies, values.snapshots, values.devices)
def test_another_device_never_changes_the_answer_about_the_others(need, policy, snapshot, newcomer):
    more = replace(snapshot, devices=(*snapshot.devices, replace(newcomer, name="new/comer")))
    before = route(need, policy, ANY, snapshot, currency="KRW")
    after = route(need, policy, ANY, more, currency="KRW")
    assert [offer for offer in after.offers if offer.device != "new/comer"] == list(before.offers)


@given(st.permutations(WORLD.devices), st.sampled_from(sorted(NEEDS)), st.sampled_from(Preference))
def test_the_order_of_the_devices_does_not_matter(devices, need, prefer):
    ask = (NEEDS[need], Policy(prefer=prefer), access_of("Daejeon"))
    shuffled = replace(WORLD, devices=tuple(devices))
    assert route(*ask, shuffled, currency="KRW") == route(*ask, WORLD, currency="KRW")


def test_equal_scores_are_decided_by_name():
    accepts = frozenset({NEEDS["bell"].format})
    twins = tuple(simulator(name, accepts) for name in ("local/b", "local/a", "local/c"))
    snapshot = replace(WORLD, devices=twins, forecasts={})
    assert route(NEEDS["bell"], Policy(), ANY, snapshot, currency="KRW").choice == "local/a"


@given(cost=st.integers(3_334, 10**9), wait=st.floats(0, 1e9), errors=st.floats(0, 0.5))
def test_without_a_wish_a_free_simulator_beats_a_dear_qpu_however_long_its_queue(cost, wait, errors):
    accepts = frozenset({NEEDS["bell"].format})
    price = Price(
        id="p",
        device="v/qpu",
        currency="KRW",
        components=flat(per_task=cost * MICRO),
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        source="t",
    )
    dear = qpu("v/qpu", accepts, price=price, calibration=Calibration(readout_error=errors))
    snapshot = replace(
        WORLD,
        devices=(dear, simulator("local/sim", accepts)),
        forecasts={
            "v/qpu": Forecast(wait_s=0.0, wait_p90_s=0.0, run_s=0.001, history=9),
            "local/sim": Forecast(wait_s=wait, wait_p90_s=wait, run_s=1.0, history=9),
        },
    )
    assert route(NEEDS["bell"], Policy(), ANY, snapshot, currency="KRW").choice == "local/sim"


def test_best_finds_the_fine_qpu_and_cheapest_the_cheap_one():
    chosen = {
        prefer: route(
            NEEDS["bell"], Policy(prefer=prefer, kind=Kind.QPU), access_of("Daejeon"), WORLD, currency="KRW"
        ).choice
        for prefer in Preference
    }
    assert chosen[Preference.BEST] == "braket/forte-1"
    assert chosen[Preference.CHEAPEST] == "braket/garnet"


@given(values.snapshots)
def test_a_snapshot_loads_back_to_the_equal_value(snapshot):
    document = json.loads(json.dumps(snapshot.document()))
    assert Snapshot.load(document) == snapshot
    assert Snapshot.load(document).document() == document
