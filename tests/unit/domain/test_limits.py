"""Do the hard limits object in their order, and only when they must?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

from hypothesis import given

from broker.domain.limits import LIMITS, Question, limits_for, result_types
from broker.domain.money import Money
from broker.domain.policy import Policy
from broker.domain.routing import route
from tests.support import values
from tests.support.routing_world import DEVICES, FRIDAY, NEEDS, WORLD, access_of


def test_the_order_is_the_promised_one():
    assert [rule for rule, _ in LIMITS] == [
        "access",
        "refused",
        "status",
        "paused",
        "kind",
        "format",
        "width",
        "dynamic",
        "result_types",
        "photons",
        "operations",
        "duration",
        "memory",
        "shots",
        "points",
        "drive",
        "price_unknown",
        "rate_unknown",
        "price_stale",
    ]


def question(need, policy, access, snapshot):
    return Question(
        need=need,
        policy=policy,
        access=access,
        currency="KRW",
        at=snapshot.at,
        rates=snapshot.rates,
        paused=snapshot.paused,
        nothing=Money(currency="KRW", micros=0),
    )


@given(values.requirements, values.policies, values.accesses, values.snapshots)
def test_a_limit_that_is_not_asked_would_not_have_objected(need, policy, access, snapshot):
    ask = question(need, policy, access, snapshot)
    asked = limits_for(ask)
    for device in snapshot.devices:
        assert all(limit[1](ask, device) is None for limit in LIMITS if limit not in asked)


def rule_of(name, need, **change):
    device = replace(next(device for device in DEVICES if device.name == name), **change)
    snapshot = replace(WORLD, devices=(device,))
    decision = route(NEEDS[need], Policy(), access_of("Daejeon"), snapshot, currency="KRW")
    return decision.refusals[0].rule if decision.refusals else None


def test_what_is_forbidden_is_said_before_what_is_unfit():
    assert rule_of("quandela/ascella", "bell") == "access"
    assert rule_of("braket/ankaa-3", "hom") == "status"
    assert rule_of("braket/emerald", "clifford50") == "price_unknown"
    assert rule_of("braket/emerald", "clifford50", width=49) == "width"


def test_a_simulator_without_a_price_is_free_unless_it_is_billed():
    assert rule_of("braket/sv1", "bell", price=None) is None
    assert rule_of("braket/sv1", "bell", price=None, billed=True) == "price_unknown"


def test_a_dense_state_must_fit_unless_a_method_does_without():
    assert rule_of("local/aer", "deep30") == "memory"
    assert rule_of("local/aer", "deep30", max_memory_bytes=16 << 30) is None
    assert rule_of("local/aer", "clifford50", methods=()) == "memory"
    assert rule_of("local/aer", "clifford50", methods=("stabilizer",)) is None
    assert rule_of("local/aer", "shallow40", methods=("stabilizer",)) == "memory"


def test_an_agreement_that_has_ended_closes_the_device():
    access = access_of("Daejeon")
    ended = replace(access, agreements=tuple(replace(each, ends=FRIDAY) for each in access.agreements))
    decision = route(NEEDS["bell"], Policy(), ended, WORLD, currency="KRW")
    assert {refusal.rule for refusal in decision.refusals} == {"access"}
    assert decision.choice is None


def test_the_documentation_lists_the_rules_in_their_order():
    lines = (Path(__file__).parents[3] / "docs" / "routing.md").read_text().splitlines()
    rules = [line.split("`")[1] for line in lines if line.startswith("| `") and "` | " in line]
    promised = ["unknown", *(rule for rule, _ in LIMITS), "max_cost", "deadline", "min_success"]
    assert rules[: len(promised)] == promised


def test_a_device_that_tells_counts_only_refuses_a_program_that_asks_for_more():
    ask = Mock(need=Mock(result_types=("expectation",)))
    assert result_types(ask, Mock(result_types=True)) is None
    assert "expectation" in result_types(ask, Mock(result_types=False))
    assert result_types(Mock(need=Mock(result_types=())), Mock(result_types=False)) is None
