"""Is the arithmetic of expressions read as Perceval writes it, and nothing else?"""

from __future__ import annotations

import math

import pytest

from broker.intake.arithmetic import NotArithmeticError, names, term
from broker.intake.names import is_name
from tests.support.hostile.attacks import BOMBS, CODE, FORMATS, OBJECTS


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2*a + sin(b)/3", "(2*a)+(sin(b)/3)"),
        ("-a**2", "-(a**2)"),
        ("a**2**b", "a**(2**b)"),
        ("a^2", "a**2"),
        ("a-b-a", "(a-b)-a"),
        ("a/b/2", "(a/b)/2"),
        ("2**-a", "2**(-a)"),
        ("1.0e-5*a", "0.00001 * a"),
        ("+a", "a"),
        ("sqrt(4)*a", "2*a"),
    ],
)
def test_texts_that_mean_the_same_are_the_same_term(text, same):
    assert term(text) == term(same)


def test_constant_parts_are_numbers():
    assert term("pi/2 - 3*(1+1)") == math.pi / 2 - 6
    assert term("a + pi/2") == ("+", "a", math.pi / 2)


def test_the_names_of_a_term_are_those_of_its_parameters():
    assert names(term("2*a + sin(θ)*E - pi")) == {"a", "θ", "E"}
    assert names(term("2*3")) == set()


@pytest.mark.parametrize(
    "text",
    ["", "a b", "2a", "sin a", "f(a)", "a.b", "a[0]", "(a", "a)", "a,b", "1/0", "1e400", "9**9**9", "(-8)**0.5", "a**"],
)
def test_what_is_no_arithmetic_or_beyond_a_float_is_refused(text):
    with pytest.raises(NotArithmeticError):
        term(text)


@pytest.mark.parametrize("text", [*CODE, *FORMATS, *OBJECTS, *(bomb for bomb in BOMBS if not is_name(bomb))])
def test_a1_no_attack_is_arithmetic(text):
    with pytest.raises(NotArithmeticError):
        term(text)


def test_depth_length_and_powers_are_bounded():
    for text in ("(" * 40 + "a" + ")" * 40, "-" * 40 + "a", "a+" * 150 + "a", "a**a**a**a"):
        with pytest.raises(NotArithmeticError):
            term(text)
