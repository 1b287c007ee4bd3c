"""Where the two validators of JSON Schema differ: jsonschema-rs with formats decides, jsonschema explains."""

import jsonschema
import jsonschema_rs
import pytest

from drproof.model.receipt import END

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
DATE_TIME = {"format": "date-time"}
HEX = {"pattern": "^[0-9a-f]{4}$"}


def decides(schema, value, *, formats=True):
    return jsonschema_rs.Draft202012Validator({**DIALECT, **schema}, validate_formats=formats).is_valid(value)


def explains(schema, value):
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator({**DIALECT, **schema}, format_checker=checker).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "decided", "explained"),
    [
        (HEX, "abcd", True, True),
        (HEX, "abcd\n", False, True),
        (HEX, "abcd\n\n", False, False),
        ({"pattern": f"^[0-9a-f]{{4}}{END}"}, "abcd\n", False, False),
        ({"pattern": f"^[0-9a-f]{{4}}{END}"}, "abcd", True, True),
        (DATE_TIME, "2026-01-31T12:00:00.000Z", True, True),
        ({"type": "integer"}, 1.0, True, True),
        ({"type": "integer"}, True, False, False),
        ({"maxLength": 1}, "😀", True, True),
    ],
)
def test_each_difference_is_known(schema, value, decided, explained):
    assert (decides(schema, value), explains(schema, value)) == (decided, explained)


def test_formats_are_off_unless_they_are_asked_for():
    assert decides(DATE_TIME, "yesterday", formats=False)
    assert not decides(DATE_TIME, "yesterday")


def test_a_date_time_is_looked_at_by_the_explainer_only_where_a_third_package_is_installed():
    installed = "date-time" in jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers

    assert explains(DATE_TIME, "yesterday") is not installed


def test_a_number_that_json_cannot_write_is_refused_by_the_one_that_decides():
    for number in (float("inf"), float("nan")):
        assert (decides({"type": "number"}, number), explains({"type": "number"}, number)) == (False, True)
