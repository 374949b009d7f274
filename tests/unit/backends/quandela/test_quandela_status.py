"""Does every word of Quandela's have one phase, and no other word any?"""

from __future__ import annotations

import pytest

from backends.base import Phase
from backends.errors import UnknownStatus
from backends.quandela.status import WORDS, phase_of


@pytest.mark.parametrize(
    ("word", "phase"),
    [
        ("waiting", Phase.QUEUED),
        ("running", Phase.RUNNING),
        ("suspended", Phase.RUNNING),
        ("cancel_requested", Phase.RUNNING),
        ("completed", Phase.DONE),
        ("error", Phase.FAILED),
        ("canceled", Phase.CANCELLED),
    ],
)
def test_a_documented_word_has_its_phase(word, phase):
    assert phase_of(word) is phase


def test_the_table_holds_no_other_word():
    assert len(WORDS.phases) == 7


@pytest.mark.parametrize("word", ["", "Completed", "cancelled", "done", "None", "unknown"])
def test_any_other_word_is_refused(word):
    with pytest.raises(UnknownStatus, match=repr(word)):
        phase_of(word)
