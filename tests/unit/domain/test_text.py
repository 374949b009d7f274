"""Is every text storable in the end, and nearly every one left alone?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.text import LONGEST_NAME, SHOWN_NUL, fits_name, name, spoiled, storable

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)


@given(anything)
def test_a5_what_is_storable_has_no_nul_and_is_utf8(text):
    kept = storable(text)
    assert "\0" not in kept
    kept.encode()
    assert len(kept) == len(text)
    assert spoiled(text) is (kept != text)
    assert storable(kept) == kept


@given(anything)
def test_a5_a_name_fits_its_column(text):
    kept = name(text)
    assert len(kept) <= LONGEST_NAME
    assert kept == "" or fits_name(kept)


def test_a5_what_was_there_is_seen():
    assert storable("a\0b\ud83d") == f"a{SHOWN_NUL}b\ufffd"
