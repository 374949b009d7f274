"""Does a job's name carry our token, and can we read it back?"""

from __future__ import annotations

import pytest

from backends.quandela.naming import JobName, parse


@pytest.mark.parametrize(
    "name",
    [
        JobName(token="qsub-1"),
        JobName(token="qsub-1", shots=1000),
        JobName(token="qsub-1", shots=7, bits="2.0.1"),
    ],
)
def test_a_name_reads_back(name):
    assert parse(str(name)) == name


def test_a_name_begins_with_the_token():
    assert str(JobName(token="qsub-1", shots=3)).split(" ")[0] == "qsub-1"


@pytest.mark.parametrize("text", ["", "sample_count", "qsub-", "qsub-1 shots=x", "None", "a qsub-1"])
def test_anybody_else_s_name_is_none(text):
    assert parse(text) is None
