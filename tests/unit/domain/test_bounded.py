"""Does what is kept stay within its bounds, and whose goes first?"""

from __future__ import annotations

from broker.domain.bounded import Bounded


def test_a10_bytes_are_bounded_not_only_entries():
    kept = Bounded(most=100, most_bytes=100)
    for number in range(50):
        kept.put(number, "value", size=10)
    assert (len(kept), kept.bytes) == (10, 100)
    assert [number for number in range(50) if number in kept] == list(range(40, 50))


def test_a10_what_was_not_asked_for_longest_goes_first():
    kept = Bounded(most=2, most_bytes=100)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(name) for name in "abc"] == [1, None, 3]


def test_a10_a_flood_by_one_owner_leaves_the_others_what_they_have():
    kept = Bounded(most=100, most_bytes=1000)
    kept.put("bob", 1, size=10, owner="bob")
    for number in range(1000):
        kept.put(number, number, size=20, owner="ada")
    assert kept.get("bob") == 1
    assert kept.bytes <= 10 + 250


def test_a10_what_is_larger_than_a_share_is_not_kept():
    kept = Bounded(most=10, most_bytes=100)
    kept.put("a", 1, size=26, owner="ada")
    assert kept.get("a") is None
    kept.put("a", 1, size=100)
    assert kept.get("a") == 1


def test_a_value_that_is_put_again_counts_once():
    kept = Bounded(most=10, most_bytes=100)
    for size in (10, 20, 30):
        kept.put("a", size, size=size)
    assert (kept.get("a"), kept.bytes, len(kept)) == (30, 30, 1)
    kept.clear()
    assert (kept.get("a"), kept.bytes, len(kept)) == (None, 0, 0)
