"""Do people's amounts, times and points mean what they should?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from qsubmit import quantities
from qsubmit.requests import request_fields

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("5000KRW", "5000", "KRW"),
        ("5,000 krw", "5000", "KRW"),
        ("1.25usd", "1.25", "USD"),
        ("EUR 0.000001", "0.000001", "EUR"),
    ],
)
def test_money(text, amount, currency):
    assert quantities.money(text) == {"amount": amount, "currency": currency}


@pytest.mark.parametrize("text", ["5000", "KRW", "-5KRW", "5KR", "1e3KRW", "0.0000001EUR", ""])
def test_no_money(text):
    with pytest.raises(ValueError, match="5000KRW"):
        quantities.money(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1h30m", 5400), ("1d 2h", 93600), ("2w", 1209600)],
)
def test_seconds(text, expected):
    assert quantities.seconds(text) == expected


@pytest.mark.parametrize("text", ["", " ", "h", "-1s", "2x", "1h-2m"])
def test_no_seconds(text):
    with pytest.raises(ValueError, match="1h30m"):
        quantities.seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+2h", "2026-11-21T14:00:00Z"),
        ("-1d", "2026-11-20T12:00:00Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01T09:00:00+09:00", "2027-01-01T00:00:00Z"),
    ],
)
def test_moments(text, expected):
    assert quantities.moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "+", "+x", "+99999999999d", "2027-13-01"])
def test_no_moments(text):
    with pytest.raises(ValueError, match=r"\+2h"):
        quantities.moment(text, NOW)


def test_the_past_needs_no_sign():
    assert quantities.past("2h", NOW) == "2026-11-21T10:00:00Z"
    assert quantities.past("2026-11-01T00:00:00Z", NOW) == "2026-11-01T00:00:00Z"


@pytest.mark.parametrize(("text", "expected"), [("0.9", 0.9), ("90%", 0.9), ("0", 0.0), ("100%", 1.0)])
def test_probabilities(text, expected):
    assert quantities.probability(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["2", "-0.1", "x", "%", "nan"])
def test_no_probabilities(text):
    with pytest.raises(ValueError, match="90%"):
        quantities.probability(text)


def test_points_as_rows_columns_and_files(tmp_path):
    rows = [{"a": 1, "b": 0.5}, {"a": 2, "b": 1.5}]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    (tmp_path / "p.csv").write_text("a,b\n1,0.5\n2,1.5\n")

    assert quantities.points(json.dumps(rows)) == rows
    assert quantities.points('{"a": [1, 2], "b": [0.5, 1.5]}') == rows
    assert quantities.points(str(tmp_path / "p.json")) == rows
    assert quantities.points(str(tmp_path / "p.csv")) == rows


@pytest.mark.parametrize(
    "text", ["[1]", '[{"a": "x"}]', '[{"a": true}]', '{"a": [1], "b": [1, 2]}', "{", "/no/file", "3"]
)
def test_no_points(text):
    with pytest.raises((ValueError, OSError)):
        quantities.points(text)


def test_a_deadline_may_be_a_datetime():
    fields = request_fields("x", format="openqasm2", shots=1, deadline=NOW, max_cost={"amount": "1", "currency": "EUR"})

    assert fields["deadline"] == "2026-11-21T12:00:00Z"
    assert fields["max_cost"] == {"amount": "1", "currency": "EUR"}
