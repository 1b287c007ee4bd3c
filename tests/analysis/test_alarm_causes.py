"""An alarm noticed an outage when a datapoint breached, in time, and it went back to OK."""

from dataclasses import replace

import pytest

from drproof.analysis.alarm_causes import NO, UNKNOWN, YES, noticed
from drproof.formats.alarm_evidence import Change
from drproof.formats.timestamps import milliseconds

SINCE, UNTIL = milliseconds("2026-05-04T09:00:00Z"), milliseconds("2026-05-04T10:00:00Z")
RISE = Change(
    alarm="a",
    at="2026-05-04T09:20:00Z",
    old="OK",
    new="ALARM",
    said="threshold",
    datapoints=("7",),
    newest_datapoint_at="2026-05-04T09:15:00Z",
    threshold="6",
    comparison="GreaterThanThreshold",
    period_ms=300_000,
)
FALL = Change(alarm="a", at="2026-05-04T09:40:00Z", old="ALARM", new="OK", said="threshold")


def _status(*changes, since_ms=SINCE, until_ms=UNTIL):
    found = noticed(changes, since_ms=since_ms, until_ms=until_ms)
    assert bool(found.problem) == (found.status != YES)
    return found.status


def test_a_breach_in_time_that_heals_is_noticed():
    assert _status(RISE, FALL) == YES


@pytest.mark.parametrize(
    ("changes", "said", "status"),
    [
        ({"said": "missing_data"}, "missing data", NO),
        ({"said": "other"}, "set by hand", NO),
        ({"said": "nothing"}, "does not keep why", UNKNOWN),
        ({"comparison": ""}, "compares", UNKNOWN),
        ({"comparison": "Somehow"}, "compares", UNKNOWN),
        ({"threshold": ""}, "compares", UNKNOWN),
        ({"datapoints": ("6",)}, "no datapoint is GreaterThanThreshold 6", NO),
        ({"datapoints": ()}, "no datapoint is", NO),
        ({"at": "2026-05-04T08:59:59.999Z"}, "outside the time", NO),
        ({"at": "2026-05-04T10:00:00.001Z"}, "outside the time", NO),
        ({"newest_datapoint_at": ""}, "older than", NO),
        ({"newest_datapoint_at": "2026-05-04T08:54:59.999Z"}, "older than", NO),
    ],
)
def test_a_rise_that_shows_no_outage_says_why(changes, said, status):
    found = noticed([replace(RISE, **changes), FALL], since_ms=SINCE, until_ms=UNTIL)

    assert (found.status, said in found.problem) == (status, True)


@pytest.mark.parametrize(
    ("at", "measured", "comparison", "values"),
    [
        ("2026-05-04T09:00:00Z", "2026-05-04T08:55:00Z", "GreaterThanThreshold", ("7",)),
        (RISE.at, RISE.newest_datapoint_at, "GreaterThanThreshold", ("1", "7")),
        (RISE.at, RISE.newest_datapoint_at, "GreaterThanOrEqualToThreshold", ("6",)),
        (RISE.at, RISE.newest_datapoint_at, "LessThanThreshold", ("5",)),
    ],
)
def test_a_rise_on_the_edge_of_time_and_threshold_counts(at, measured, comparison, values):
    rise = replace(RISE, at=at, newest_datapoint_at=measured, comparison=comparison, datapoints=values)

    assert _status(rise, FALL) == YES


def test_a_rise_at_the_end_is_in_time_and_cannot_heal():
    rise = replace(RISE, at="2026-05-04T10:00:00Z")

    assert "did not go back" in noticed([rise], since_ms=SINCE, until_ms=UNTIL).problem


def test_an_alarm_heals_after_it_went_off_and_before_the_end():
    assert _status(RISE) == NO
    assert _status(replace(FALL, at=RISE.at), RISE) == NO
    assert _status(RISE, replace(FALL, at="2026-05-04T10:00:00Z")) == YES
    assert _status(RISE, replace(FALL, at="2026-05-04T10:00:00.001Z")) == NO
    assert _status(RISE, replace(FALL, new="INSUFFICIENT_DATA")) == NO
    assert _status(RISE, replace(FALL, old="INSUFFICIENT_DATA")) == NO


def test_an_alarm_that_only_starts_in_alarm_noticed_nothing():
    assert _status() == NO
    assert _status(FALL) == NO
    assert _status(replace(RISE, old="INSUFFICIENT_DATA"), FALL) == NO
    assert _status(replace(RISE, new="INSUFFICIENT_DATA"), FALL) == NO


def test_without_a_time_a_breach_is_unknown_and_missing_data_is_refuted_all_the_same():
    assert _status(RISE, FALL, since_ms=None) == UNKNOWN
    assert _status(RISE, FALL, until_ms=None) == UNKNOWN
    assert _status(replace(RISE, said="missing_data"), FALL, since_ms=None, until_ms=None) == NO


def test_of_several_rises_the_best_one_decides_and_of_bad_ones_the_newest_speaks():
    missing = replace(RISE, said="missing_data")
    unsaid = replace(RISE, said="nothing")
    by_hand = replace(RISE, said="other", at="2026-05-04T09:30:00Z")

    assert _status(missing, RISE, FALL) == YES
    assert _status(RISE, missing, FALL) == YES
    assert _status(missing, unsaid, FALL) == UNKNOWN
    assert _status(unsaid, missing, FALL) == UNKNOWN
    assert "by hand" in noticed([missing, by_hand, FALL], since_ms=SINCE, until_ms=UNTIL).problem
