"""Quantities by their value."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drproof.formats.quantity import SUFFIXES, parse, same
from drproof.model.errors import FormatError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1000m"),
        (1, "1"),
        (0.5, "500m"),
        ("512Mi", 536870912),
        ("1e3", "1k"),
        ("1E", "1e18"),
        ("1Ki", 1024),
        ("1u", "1000n"),
        (".5", "0.5"),
        ("+1.", 1),
        ("-2", -2),
        (1e22, "1e22"),
    ],
)
def test_the_same_value_written_in_two_ways_is_the_same(one, other):
    assert same(one, other)
    assert not same(f"1{one}", other)


@pytest.mark.parametrize(
    "text", ["", "x", "1 ", "1K", "1mi", "1e", "1e9999", "1Kim", "1" * 41, "0x1", True, float("nan"), float("inf")]
)
def test_what_is_no_quantity_is_refused_and_the_same_as_nothing(text):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert caught.value.code == "quantity"
    assert not same(text, text)
    assert not same(None, text)
    assert not same("1", None)
    assert not same([], "1")


@given(st.integers(-(10**12), 10**12), st.sampled_from(["", *SUFFIXES]))
def test_a_suffix_scales_exactly(number, suffix):
    assert parse(f"{number}{suffix}") == number * SUFFIXES.get(suffix, Fraction(1))
