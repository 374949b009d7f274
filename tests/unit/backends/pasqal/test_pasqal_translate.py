"""Does an order become one batch with one job for each point, and come back as the same points?"""

from __future__ import annotations

import json

import pytest

from backends.errors import Refused
from backends.pasqal.translate import FAMILY_TAG, bindings_of, draft_of, measured, parsed, variables_of
from broker.domain.program import Format, Program
from tests.support.pasqal_orders import order_for

DEVICE = {
    "name": "AnalogDevice",
    "channels": [
        {"id": "rydberg_global", "basis": "ground-rydberg"},
        {"id": "raman_local", "basis": "digital"},
    ],
}
SEQUENCE = {
    "register": [{"name": "q0", "x": 0, "y": 0}],
    "channels": {"drive": "rydberg_global"},
    "variables": {"t": {"type": "int", "value": [0]}, "a": {"type": "float", "value": [0.0, 0.0]}},
    "operations": [],
    "measurement": None,
    "device": DEVICE,
}
DECLARED = SEQUENCE["variables"]


def order(sequence=SEQUENCE, **changes):
    return order_for(Program.of(Format.PULSER, json.dumps(sequence)), **changes)


def test_one_batch_carries_all_points_and_the_token():
    points = ({"t": 16.0, "a[0]": 1.0, "a[1]": 2.0}, {"t": 20.0, "a[0]": 3.0, "a[1]": 4.0})
    asked = order(points=points, shots=30)
    draft = draft_of(asked, parsed(asked), configuration="{}")
    assert [job.variables for job in draft.jobs] == [{"t": 16, "a": [1.0, 2.0]}, {"t": 20, "a": [3.0, 4.0]}]
    assert [job.runs for job in draft.jobs] == [30, 30]
    assert all(job.sequence is None for job in draft.jobs)
    assert draft.tags == (asked.token, FAMILY_TAG)
    assert draft.device_type == asked.device.vendor_id


def test_points_come_back_as_they_went():
    point = {"t": 16.0, "a[0]": 1.5, "a[1]": -2.0}
    assert bindings_of(variables_of(point, DECLARED)) == point


def test_a_sequence_without_variables_binds_nothing():
    assert variables_of({}, {}) is None
    assert bindings_of(None) == {}


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ({"t": 16.0}, "needs 2 values"),
        ({"a[0]": 1.0, "a[1]": 2.0}, "needs 1 values"),
        ({"t": 16.5, "a[0]": 1.0, "a[1]": 2.0}, "is an integer"),
        ({"t": 16.0, "a[0]": 1.0, "a[1]": 2.0, "a[2]": 3.0}, "needs 2 values"),
        ({"u": 1.0}, "no variable 'u'"),
    ],
)
def test_a_point_that_does_not_fit_is_refused(point, why):
    with pytest.raises(Refused, match=why) as caught:
        variables_of(point, DECLARED)
    assert caught.value.code == "program_invalid"


@pytest.mark.parametrize(
    ("channels", "device", "basis"),
    [
        ({"x": "rydberg_global"}, DEVICE, "ground-rydberg"),
        ({"x": "raman_local"}, DEVICE, "digital"),
        ({"x": "rydberg_local", "y": "rydberg_global"}, DEVICE, "ground-rydberg"),
        ({"x": "mw_global"}, "MockDevice", "XY"),
        ({"x": "rydberg_global"}, "MockDevice", "ground-rydberg"),
    ],
)
def test_a_missing_measurement_is_made_in_the_one_basis(channels, device, basis):
    assert measured({**SEQUENCE, "channels": channels, "device": device})["measurement"] == basis


@pytest.mark.parametrize("channels", [{}, {"x": "rydberg_global", "y": "raman_local"}, {"x": "strange"}])
def test_an_ambiguous_measurement_is_refused(channels):
    with pytest.raises(Refused, match="exactly one basis"):
        measured({**SEQUENCE, "channels": channels})


def test_a_given_measurement_stays():
    assert measured({**SEQUENCE, "measurement": "digital"})["measurement"] == "digital"


@pytest.mark.parametrize("source", ["no json", "[]", "{}", '{"device": 3}', "[" * 100_000])
def test_what_is_no_sequence_is_refused(source):
    with pytest.raises(Refused):
        parsed(order_for(Program.of(Format.PULSER, source)))


def test_another_format_is_refused():
    with pytest.raises(Refused, match="openqasm3"):
        parsed(order_for(Program.of(Format.OPENQASM3, "OPENQASM 3.0;")))
