"""Is docs/lifecycle.md drawn from the table of moves as it is today?"""

from broker.domain.lifecycle import JobState
from tests.support.lifecycle_page import MEANING, PAGE, page


def test_the_page_is_current():
    assert PAGE.read_text() == page(), "renew it: python -m tests.support.lifecycle_page"


def test_every_state_is_explained():
    assert set(MEANING) == set(JobState)
