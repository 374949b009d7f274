"""Does everybody in the queue get a turn within one turn of each other, whoever floods it?"""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.turns import Turns

A1, A2, B1 = ("A", "A/p", "A/p/1"), ("A", "A/p", "A/p/2"), ("B", "B/p", "B/p/1")


def filled(*rows):
    turns = Turns()
    for path, count, cost in rows:
        for number in range(count):
            turns.add(path, (path, number), cost)
    return turns


def all_of(turns):
    return [turns.take() for _ in range(len(turns))]


def test_a9_a_flood_gives_way_to_a_project_mate_and_to_another_organisation():
    turns = filled((A1, 1000, 1.0), (A2, 1, 1.0), (B1, 1, 1.0))
    first = [path for path, _ in all_of(turns)[:4]]
    assert {A2, B1} <= set(first)


def test_a9_who_comes_late_stands_level_with_whoever_is_served_not_before_or_behind():
    turns = filled((A1, 100, 1.0))
    for _ in range(50):
        turns.take()
    for number in range(50):
        turns.add(B1, (B1, number), 1.0)
    assert Counter(path for path, _ in [turns.take() for _ in range(20)]) == {A1: 10, B1: 10}


def test_a9_a_turn_that_took_longer_than_foreseen_is_paid_by_its_owner():
    turns = filled((A1, 10, 1.0), (B1, 10, 1.0))
    assert turns.take()[0] == A1
    turns.correct(A1, 5.0)
    assert [turns.take()[0] for _ in range(7)] == [B1] * 6 + [A1]


def test_what_was_not_served_comes_first_of_its_owners():
    turns = filled((A1, 2, 1.0))
    taken = turns.take()
    turns.add(A1, taken, 1.0, front=True)
    assert all_of(turns) == [(A1, 0), (A1, 1)]


def test_nothing_waits_nothing_comes_and_what_is_idle_is_forgotten():
    turns = filled((A1, 1, 1.0))
    turns.take()
    turns.forget()
    assert turns.take() is None
    turns.add(A1, "again", 1.0)
    assert (turns.take(), len(turns)) == ("again", 0)


paths = st.sampled_from([(o, f"{o}/{p}", f"{o}/{p}/{m}") for o in "AB" for p in "pq" for m in "12"])
acts = st.one_of(
    st.tuples(st.just("add"), paths, st.floats(0.001, 5.0)),
    st.tuples(st.just("take"), st.none(), st.none()),
    st.tuples(st.just("correct"), paths, st.floats(-2.0, 5.0)),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


@given(st.lists(acts, max_size=120))
def test_a9_nothing_is_lost_or_doubled_and_each_owner_keeps_his_order(script):
    turns, put, got = Turns(), [], []
    for number, (act, path, cost) in enumerate(script):
        if act == "add":
            turns.add(path, (path, number), cost)
            put.append((path, number))
        elif act == "take":
            item = turns.take()
            assert (item is None) == (len(got) == len(put))
            got += [] if item is None else [item]
        elif act == "correct":
            turns.correct(path, cost)
        else:
            turns.forget()
    got += all_of(turns)
    assert sorted(got) == sorted(put)
    for path in {path for path, _ in put}:
        assert [each for each in got if each[0] == path] == [each for each in put if each[0] == path]


@given(st.lists(st.tuples(paths, st.integers(1, 60)), min_size=1, max_size=8), paths)
def test_a9_no_newcomer_waits_for_more_than_one_turn_of_each_sibling_on_every_level(floods, late):
    turns = filled(*((path, count, 1.0) for path, count in floods if path != late))
    for _ in range(len(turns) // 2):
        turns.take()
    turns.add(late, (late, "late"), 1.0)
    bound = 2 * 2 * 2  # two organisations with two projects with two members: one round of all of them
    assert (late, "late") in [turns.take() for _ in range(bound)]
