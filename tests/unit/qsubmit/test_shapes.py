"""Are the client's shapes the server's?"""

from __future__ import annotations

from typing import get_type_hints

import pytest

from broker.api import schemas
from broker.domain.lifecycle import TERMINAL, JobState
from broker.domain.policy import Preference
from broker.domain.program import Format, Paradigm
from broker.domain.result import Outcomes, Result
from qsubmit import follow, programs, shapes
from qsubmit.cli import options

PAIRS = [
    (shapes.Money, schemas.MoneyView),
    (shapes.Cost, schemas.CostView),
    (shapes.Latency, schemas.LatencyView),
    (shapes.Move, schemas.MoveView),
    (shapes.Program, schemas.ProgramView),
    (shapes.Attempt, schemas.AttemptView),
    (shapes.Failure, schemas.ErrorView),
    (shapes.Job, schemas.JobView),
    (shapes.JobPage, schemas.JobList),
    (shapes.Offer, schemas.OfferView),
    (shapes.Refusal, schemas.RefusalView),
    (shapes.Decision, schemas.DecisionView),
    (shapes.Quote, schemas.QuoteView),
    (shapes.Device, schemas.DeviceView),
    (shapes.GateSpecs, schemas.GateSpecsView),
    (shapes.Specs, schemas.SpecsView),
    (shapes.Event, schemas.EventView),
    (shapes.Key, schemas.KeyView),
    (shapes.NewKey, schemas.KeyCreated),
    (shapes.Health, schemas.Health),
    (shapes.RequestFields, schemas.JobRequest),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda kind: kind.__name__)
def test_a_shape_has_the_servers_fields(ours, theirs):
    assert set(get_type_hints(ours)) == set(theirs.model_fields)


def test_a_result_has_the_servers_fields():
    result = Result(
        kind=Paradigm.GATE,
        points=(Outcomes(counts={"0": 1}),),
        shots_asked=1,
        registers=(),
        device="local/aer",
        sandbox=False,
    )

    assert set(get_type_hints(shapes.Result)) == {*result.document(), "sha256"}


def test_the_words_are_the_servers():
    assert set(programs.FORMATS) == {each.value for each in Format}
    assert set(options.PREFERENCES) == {each.value for each in Preference}
    assert set(options.STATES) == {each.value for each in JobState}
    assert {each.value for each in TERMINAL} == follow.TERMINAL
