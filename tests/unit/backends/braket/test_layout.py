"""Does the layout of classical bits survive the tags, and do the tags keep Amazon's limits?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.braket.layout import bits_of, bits_tags
from backends.errors import Refused

LAYOUTS = st.lists(st.one_of(st.none(), st.integers(0, 400)), max_size=150)


@given(LAYOUTS)
def test_what_goes_into_the_tags_comes_out(bits):
    tags = bits_tags(bits)
    assert (bits_of(tags) or ()) == tuple(bits)
    assert len(tags) <= 40
    for name, text in tags.items():
        assert re.fullmatch(r"[\w .:/=+\-@]{1,128}", name)
        assert re.fullmatch(r"[\w .:/=+\-@]{0,256}", text)


def test_a_whole_register_is_one_short_run():
    assert bits_tags(range(108)) == {"qsubmit:bits-0": "0+108"}
    assert bits_tags([3, 4, None, None, 0]) == {"qsubmit:bits-0": "3+2 x2 0"}


def test_tags_that_are_not_ours_hold_no_layout():
    assert bits_of({"team": "physics"}) is None


def test_a_layout_that_no_tags_can_hold_is_refused():
    with pytest.raises(Refused, match="scattered"):
        bits_tags([(place * 7919) % 100_003 for place in range(5000)])
