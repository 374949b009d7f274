"""Is what goes wrong before a vendor is asked told apart from what the vendor says?"""

from __future__ import annotations

import pytest

from backends.errors import Busy, NotTried, Refused
from backends.translation import Untrue, unasked


@pytest.mark.parametrize("error", [Refused("no"), Untrue("another program")])
def test_a6_our_own_refusal_is_no_answer_of_the_vendor(error):
    with pytest.raises(Refused) as told, unasked():
        raise error
    assert told.value.asked is False
    assert Refused("theirs").asked is True


def test_a6_a_process_that_cannot_start_is_no_failure_of_the_vendor():
    with pytest.raises(NotTried, match="nothing was sent"), unasked():
        raise OSError("no more processes")


def test_a6_a_vendor_that_is_away_while_we_prepare_is_told_as_before():
    with pytest.raises(Busy) as told, unasked():
        raise Busy("429", retry_after=7)
    assert not isinstance(told.value, NotTried)
