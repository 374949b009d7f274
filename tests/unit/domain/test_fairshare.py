"""Is the turn fair among siblings, bounded in time, and free of other accounts' influence?"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.fairshare import HALF_LIFE, LEAST_COST, PATIENCE, Share, Waiting, decay, penalty, rank

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def job(name, *, organisation="A", project=None, member=None, age=0.0, cost=1_000_000):
    return Waiting(
        job=name,
        organisation=organisation,
        project=project or f"{organisation}/p",
        member=member or f"{organisation}/p/m",
        queued_at=NOON - timedelta(hours=age),
        cost=cost,
    )


def order(waiting, tree=None, at=NOON):
    return [each.job for each in rank(waiting, tree or {}, at=at)]


def test_usage_halves_after_each_half_life():
    assert decay(800.0, NOON, NOON, HALF_LIFE) == 800.0
    assert decay(800.0, NOON, NOON + HALF_LIFE, HALF_LIFE) == 400.0
    assert decay(800.0, NOON, NOON + 3 * HALF_LIFE, HALF_LIFE) == 100.0
    assert decay(800.0, NOON, NOON - HALF_LIFE, HALF_LIFE) == 800.0


def test_one_member_is_served_in_the_order_of_arrival():
    assert order([job("c", age=1), job("a", age=3), job("b", age=2)]) == ["a", "b", "c"]


def test_who_has_used_less_for_his_share_goes_first():
    tree = {"A": Share(shares=1, usage=5e6), "B": Share(shares=4, usage=10e6)}
    assert order([job("a", age=9), job("b", organisation="B")], tree) == ["b", "a"]


def test_old_usage_counts_less():
    tree = {"A": Share(usage=5e6, as_of=NOON), "B": Share(usage=9e6, as_of=NOON - HALF_LIFE)}
    assert order([job("a"), job("b", organisation="B")], tree) == ["b", "a"]


def test_the_hold_is_charged_at_once_so_a_burst_does_not_run_through():
    burst = [job(f"a{n}", age=2) for n in range(3)]
    assert order([*burst, job("b", organisation="B", age=1)]) == ["a0", "b", "a1", "a2"]


def test_a_heavy_member_costs_his_own_organisation_only():
    tree = {"A": Share(usage=1e6), "A/heavy": Share(usage=1e9), "B": Share(usage=4e6)}
    waiting = [
        job("heavy", member="A/heavy", age=5),
        job("light", member="A/light"),
        job("b", organisation="B", age=9),
    ]
    assert order(waiting, tree) == ["light", "heavy", "b"]


def test_free_jobs_take_turns_too():
    free = [job(f"a{n}", cost=0, age=3) for n in range(4)] + [
        job(f"b{n}", organisation="B", cost=0, age=1) for n in range(4)
    ]
    assert Counter(name[0] for name in order(free)[:4]) == {"a": 2, "b": 2}


def test_equal_usage_gives_the_turn_to_who_was_served_longest_ago():
    minute = timedelta(minutes=1)
    tree = {"A": Share(as_of=NOON - minute), "B": Share(as_of=NOON - 2 * minute)}
    assert order([job("a", age=1), job("b", organisation="B", age=1)], tree) == ["b", "a"]


def test_no_turn_is_for_nothing():
    assert penalty(0) == LEAST_COST
    assert penalty(5_000_000) == 5_000_000


def test_an_organisation_without_shares_comes_last_but_comes():
    tree = {"A": Share(shares=0), "B": Share(usage=1e12)}
    assert order([job("a"), job("b", organisation="B")], tree) == ["b", "a"]
    assert order([job("a", age=48), job("b", organisation="B")], tree) == ["a", "b"]


def test_who_was_not_served_for_two_days_goes_first_once():
    tree = {"A": Share(usage=1e12, as_of=NOON - PATIENCE)}
    waiting = [job("a0", age=60), job("a1", age=60), *(job(f"b{n}", organisation="B") for n in range(3))]
    assert order(waiting, tree) == ["a0", "b0", "b1", "b2", "a1"]


def test_a_long_queue_earns_nothing():
    tree = {"A": Share(usage=5e6, as_of=NOON - timedelta(minutes=1)), "B": Share(usage=1e6, as_of=NOON)}
    flood = [job(f"a{n}", age=500) for n in range(5)]
    assert order([*flood, job("b", organisation="B")], tree)[0] == "b"


# ------------------------------------------------------------------------------------ properties

ORGANISATIONS = ("A", "B", "C")
accounts = st.tuples(st.sampled_from(ORGANISATIONS), st.integers(1, 2), st.integers(1, 3))


@st.composite
def queues(draw):
    rows = draw(st.lists(st.tuples(accounts, st.floats(0, 100), st.integers(0, 10**7)), min_size=1, max_size=30))
    return [
        job(
            f"{number:03d}",
            organisation=org,
            project=f"{org}/{project}",
            member=f"{org}/{project}/{member}",
            age=age,
            cost=cost,
        )
        for number, ((org, project, member), age, cost) in enumerate(rows)
    ]


scopes = [
    *ORGANISATIONS,
    *(f"{org}/{project}" for org in ORGANISATIONS for project in (1, 2)),
    *(f"{org}/{project}/{member}" for org in ORGANISATIONS for project in (1, 2) for member in (1, 2, 3)),
]
shares = st.builds(
    Share,
    shares=st.integers(0, 5),
    usage=st.floats(0, 1e8),
    as_of=st.none() | st.floats(0, 100).map(lambda hours: NOON - timedelta(hours=hours)),
)
trees = st.dictionaries(st.sampled_from(scopes), shares)


@given(queues(), trees)
def test_every_job_is_ranked_once_and_the_order_of_arrival_does_not_matter(waiting, tree):
    ranked = rank(waiting, tree, at=NOON)
    assert sorted(each.job for each in ranked) == sorted(each.job for each in waiting)
    assert rank(waiting[::-1], tree, at=NOON) == ranked


@given(queues(), trees, trees)
def test_what_an_organisation_does_never_changes_the_order_among_the_others(waiting, tree, other):
    only_a_differs = {scope: row for scope, row in tree.items() if scope[0] != "A"}
    only_a_differs |= {scope: row for scope, row in other.items() if scope[0] == "A"}
    before = [each for each in rank(waiting, tree, at=NOON) if each.organisation != "A"]
    after = [each for each in rank(waiting, only_a_differs, at=NOON) if each.organisation != "A"]
    without = rank([each for each in waiting if each.organisation != "A"], tree, at=NOON)
    assert before == after == list(without)


@given(queues(), trees, trees)
def test_members_of_an_organisation_never_change_when_its_turns_come(waiting, tree, other):
    inside_differs = {scope: row for scope, row in tree.items() if len(scope) == 1}
    inside_differs |= {scope: row for scope, row in other.items() if len(scope) > 1}
    alike = [replace(each, cost=1_000_000) for each in waiting]
    turns = [each.organisation for each in rank(alike, tree, at=NOON)]
    assert [each.organisation for each in rank(alike, inside_differs, at=NOON)] == turns


# ------------------------------------------------------------------------------------ simulation


class Device:
    """One device that is always wanted: every turn takes the first of the ranking and charges it."""

    def __init__(self, weights):
        self.now = NOON
        self.tree = {name: Share(shares=weight) for name, weight in weights.items()}
        self.waiting = deque()
        self.number = 0

    def queue(self, organisation, **more):
        self.number += 1
        name = f"{organisation}{self.number:06d}"
        self.waiting.append(replace(job(name, organisation=organisation, **more), queued_at=self.now))

    def turn(self, minutes):
        first = rank(self.waiting, self.tree, at=self.now)[0]
        self.waiting.remove(first)
        for scope in (first.organisation, first.project, first.member):
            share = self.tree.get(scope, Share())
            kept = decay(share.usage, share.as_of or self.now, self.now)
            self.tree[scope] = replace(share, usage=kept + first.cost, as_of=self.now)
        self.now += timedelta(minutes=minutes)
        return first


@pytest.mark.parametrize("minutes", [1, 30])
def test_shares_of_one_two_one_are_kept_within_five_points_over_a_thousand_jobs(minutes):
    device = Device({"A": 1, "B": 2, "C": 1})
    costs = {"A": 3_000_000, "B": 1_000_000, "C": 2_000_000}
    for organisation in "ABC" * 4:
        device.queue(organisation, cost=costs[organisation])
    spent = Counter()
    for _ in range(1000):
        served = device.turn(minutes)
        spent[served.organisation] += served.cost
        device.queue(served.organisation, cost=costs[served.organisation])
    total = sum(spent.values())
    assert {name: round(100 * part / total) for name, part in spent.items()} == pytest.approx(
        {"A": 25, "B": 50, "C": 25}, abs=5
    )


@settings(max_examples=5, deadline=None)
@given(debt=st.floats(1e9, 1e15), weight=st.integers(0, 3))
def test_nobody_waits_much_longer_than_two_days_whatever_he_owes(debt, weight):
    device = Device({"A": weight, "B": 5, "C": 5})
    device.tree["A"] = Share(shares=weight, usage=debt, as_of=NOON)
    device.queue("A", cost=1_000_000)
    while any(each.organisation == "A" for each in device.waiting):
        for organisation in "BC":
            device.queue(organisation, cost=1)
        device.turn(minutes=30)
    assert device.now - NOON <= PATIENCE + timedelta(hours=2)
