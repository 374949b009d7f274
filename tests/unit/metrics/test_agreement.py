"""Does the table of what became of a send have every way out of one?"""

from broker.domain.lifecycle import NEXT, JobState
from broker.metrics.tally import OUTCOMES


def test_every_way_out_of_a_send_has_an_outcome_and_no_two_share_one():
    assert set(OUTCOMES) == {state.value for state in NEXT[JobState.SUBMITTING]}
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)
