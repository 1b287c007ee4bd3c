"""A variable's value is read as its declared type has it, as Terraform converts it."""

import pytest

from drproof.analysis.terraform.evaluating import converted


@pytest.mark.parametrize(
    ("written", "declared", "value"),
    [
        (111122223333, "string", "111122223333"),
        (1.5, "string", "1.5"),
        (2.0, "string", "2"),
        (float("inf"), "string", "inf"),
        (True, "string", "true"),
        ("false", "bool", False),
        ("yes", "bool", "yes"),
        ([], "bool", []),
        ({"true": 1}, "bool", {"true": 1}),
        ("12", "number", 12),
        ("1.5", "number", 1.5),
        ("twelve", "number", "twelve"),
        ("true", "", "true"),
    ],
)
def test_a_value_is_what_its_declared_type_makes_of_it(written, declared, value):
    found = converted(written, declared)

    assert (found, type(found)) == (value, type(value))
