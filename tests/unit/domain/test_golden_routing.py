"""Does routing still decide as the golden table says, for every device of every case?"""

from __future__ import annotations

import pytest

from broker.domain.limits import LIMITS
from tests.support.golden import cases
from tests.support.routing_world import decide, shown, world

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_decision_is_the_golden_one(case):
    assert shown(decide(case)) == case["decision"]


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_every_device_stands_in_the_table_once_as_an_offer_or_as_a_refusal(case):
    decision = case["decision"]
    listed = [*decision["offers"], *decision["refusals"]]
    named = {case.get("policy", {}).get("device")} - {None}
    assert sorted(listed) == sorted({device.name for device in world(case).devices} | named)


def test_the_table_covers_every_rule_and_every_preset():
    rules = {text.split(":")[0] for case in CASES for text in case["decision"]["refusals"].values()}
    # "refused" is a rule of a job's later offers; the table holds first ones.
    limits = {rule for rule, _ in LIMITS} - {"refused"}
    assert rules == limits | {"max_cost", "deadline", "min_success", "unknown"}
    presets = {case.get("policy", {}).get("prefer", "balanced") for case in CASES}
    assert presets == {"fastest", "cheapest", "best", "balanced"}
    assert len(CASES) >= 40
