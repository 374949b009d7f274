"""Is each of the vendor's words in the table, and every other refused?"""

from __future__ import annotations

import botocore.session
import pytest

from backends.base import Phase
from backends.braket.status import phase_of
from backends.errors import UnknownStatus


def test_the_table_has_every_word_of_the_service_model():
    model = botocore.session.get_session().get_service_model("braket")
    words = model.shape_for("QuantumTaskStatus").enum
    assert {word: phase_of(word) for word in words} == {
        "CREATED": Phase.QUEUED,
        "QUEUED": Phase.QUEUED,
        "RUNNING": Phase.RUNNING,
        "CANCELLING": Phase.RUNNING,
        "COMPLETED": Phase.DONE,
        "FAILED": Phase.FAILED,
        "CANCELLED": Phase.CANCELLED,
    }


@pytest.mark.parametrize("word", ["", "completed", "PAUSED"])
def test_another_word_is_refused(word):
    with pytest.raises(UnknownStatus, match="braket"):
        phase_of(word)
