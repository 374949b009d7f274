"""Which texts are names, keys and labels?"""

from __future__ import annotations

import pytest

from broker.intake.names import is_key, is_label, is_name
from tests.support.hostile.attacks import CODE, FORMATS, OBJECTS


@pytest.mark.parametrize("text", ["a", "theta", "phi_2", "θ", "_x", "E", "lambda", "x" * 64])
def test_these_are_names(text):
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", "2a", "a b", "a.b", "__class__", "a__b", "a\n", "x" * 65, "\u0430", "a[0]", "é", "a;b"]
)
def test_these_are_none(text):
    assert not is_name(text)


@pytest.mark.parametrize("text", ["q0", "0", "dmm_0", "rydberg_global", "atom 1.a", "a-b"])
def test_these_are_keys(text):
    assert is_key(text)


@pytest.mark.parametrize(
    "text", ["", "TriangularLatticeLayout(61, 5.0µm)", "SquareLatticeLayout(3x4, 5µm)", "PostProcessed CNOT", "1.9.1"]
)
def test_these_are_labels(text):
    assert is_label(text)


@pytest.mark.parametrize(
    "text", [*CODE, *FORMATS, *OBJECTS[:4], "../../etc/passwd", "a\x00", "a\nb", "\ud800", "__init__"]
)
def test_a1_no_attack_is_a_name_a_key_or_a_label(text):
    assert not is_name(text)
    assert not is_key(text)
    assert not is_label(text)
