"""Does a text that is cut come together again, whatever it is?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.pieces import Pieces


@given(st.lists(st.text(max_size=5), min_size=1, max_size=9))
def test_a_text_comes_together_again(turns):
    text, shared = "".join(turns), turns[1::2]
    pieces = Pieces.cut(text, shared)
    assert pieces.whole() == text
    assert pieces.shared == tuple(shared)
    assert len(pieces.own) == len(shared) + 1


def test_parts_are_cut_in_their_order():
    assert Pieces.cut("abcab", ["b", "a"]) == Pieces(own=("a", "c", "b"), shared=("b", "a"))


@pytest.mark.parametrize("shared", [["x"], ["b", "a"]])
def test_a_part_that_does_not_stand_there_is_told(shared):
    with pytest.raises(ValueError, match="substring"):
        Pieces.cut("ab", shared)
