"""What `drproof.analysis` must say, on both sides of where each comparison turns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drproof.formats.alarm_history import Transition
from drproof.model.receipt import Outcome
from drproof.model.settings import CostInputs
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING
from tests.contracts.observed import HOUR, at

Check = Callable[[House], None]
REASONING: list[Check] = []


def reasoning(check: Check) -> Check:
    """Register a check; its name is the claim."""
    REASONING.append(check)
    return check


def _reasons(house: House, **changes: Any) -> tuple[str, ...]:
    well = {
        "pointers": {"a": ("ok", "run-1"), "b": ("ok", "run-1")},
        "marker_size": 1,
        "age_ms": HOUR,
        "limit_ms": 2 * HOUR,
    }
    found: tuple[str, ...] = house.modules["need"].reasons(**{**well, **changes})
    return found


@reasoning
def a_site_that_is_well_gives_no_reason_up_to_its_limits(house: House) -> None:
    assert _reasons(house) == ()
    assert _reasons(house, age_ms=0) == ()
    assert _reasons(house, age_ms=2 * HOUR) == ()
    assert _reasons(house, pointers={"a": ("ok", "run-1")}) == ()
    assert _reasons(house, pointers={}) == ()


@reasoning
def each_fault_of_a_site_is_a_reason_of_its_own(house: House) -> None:
    assert _reasons(house, age_ms=2 * HOUR + 1) == ("stale_pipeline: the last good run is 2 h old, the limit is 2 h",)
    assert _reasons(house, age_ms=-1) == ("future_timestamp: the last good run ends 1 ms in the future",)
    assert _reasons(house, age_ms=None) == (
        "freshness_reference_missing: no pointer says when the last good run ended",
    )
    for size in (0, -1):
        assert _reasons(house, marker_size=size) == (
            "missing_expected_marker: the published run has no marker, or an empty one",
        )
    assert _reasons(house, pointers={"a": ("ok", "run-2"), "b": ("ok", "run-1")}) == (
        "pointer_run_id_mismatch: the pointers name 2 runs: run-1, run-2",
    )
    assert _reasons(house, pointers={"a": ("gone", ""), "b": ("ok", "run-1")}) == (
        "last_success_unreadable: a is gone",
    )


@reasoning
def reasons_come_in_one_order_and_all_of_them(house: House) -> None:
    found = _reasons(
        house, pointers={"a": ("gone", ""), "b": ("ok", "1"), "c": ("ok", "2")}, marker_size=0, age_ms=3 * HOUR
    )

    assert [reason.partition(":")[0] for reason in found] == [
        "last_success_unreadable",
        "pointer_run_id_mismatch",
        "missing_expected_marker",
        "stale_pipeline",
    ]


@reasoning
def a_recovery_time_is_measured_only_between_two_passed_phases(house: House) -> None:
    measured = house.modules["objectives"].measured_rto
    began = replace(PASSING.receipts["check_health"], started_at=at(1))
    ended = replace(PASSING.receipts["validate"], ended_at=at(2))
    failed = Outcome.FAILED

    assert measured({"check_health": began, "validate": ended}) == 60_000
    assert measured({"check_health": began}) is None
    assert measured({"validate": ended}) is None
    assert measured({}) is None
    assert measured({"check_health": replace(began, outcome=failed), "validate": ended}) is None
    assert measured({"check_health": began, "validate": replace(ended, outcome=failed)}) is None


@reasoning
def a_recovery_point_is_measured_only_from_a_passed_phase_that_knows_it(house: House) -> None:
    measured = house.modules["objectives"].measured_rpo
    read = replace(
        PASSING.facts("read_restore_point", created_at=at(1)).receipts["read_restore_point"], started_at=at(3)
    )

    assert measured({"read_restore_point": read}) == 120_000
    assert measured({}) is None
    assert measured({"read_restore_point": replace(read, outcome=Outcome.FAILED)}) is None
    assert measured({"read_restore_point": replace(read, observed=None)}) is None
    assert measured({"read_restore_point": replace(read, observed=replace(read.facts, created_at="soon"))}) is None


def _rise(when: str = at(5), **changes: Any) -> Transition:
    plain = Transition(at=when, old="OK", new="ALARM", datapoints=("30",), newest_datapoint_at=at(4), threshold="26")
    return replace(plain, **changes)


def _fall(when: str = at(9), **changes: Any) -> Transition:
    return replace(_rise(when, old="ALARM", new="OK", datapoints=("1",)), **changes)


WINDOW = {"since": at(0), "until": at(10), "comparison": "GreaterThanThreshold"}


def _problem(house: House, *transitions: Transition) -> str:
    found = house.modules["alarm_window"].detection(transitions, **WINDOW)
    problem: str = found.problem
    return problem


NO_RISE = "the alarm did not go from OK to ALARM in the window"
NO_FALL = "the alarm did not go back to OK in the window"


@reasoning
def an_outage_is_noticed_from_the_first_to_the_last_millisecond_of_the_window(house: House) -> None:
    found = house.modules["alarm_window"].detection([_rise(), _fall()], **WINDOW)

    assert (found.noticed_at, found.healed_at, found.problem) == (at(5), at(9), "")
    assert _problem(house, _rise(at(0)), _fall(at(10))) == ""
    assert _problem(house, _rise(at(0)), _fall("2026-01-31T12:10:00.001Z")) == NO_FALL
    assert _problem(house, _rise("2026-01-31T11:59:59.999Z"), _fall()) == NO_RISE


@reasoning
def a_history_outside_the_window_says_so_and_an_empty_one_does_not(house: House) -> None:
    outside = f"{NO_RISE}; it has transitions outside the window"

    assert _problem(house) == NO_RISE
    assert _problem(house, _rise(at(20)), _fall(at(30))) == outside
    assert _problem(house, _fall()) == NO_RISE


@reasoning
def only_ok_to_alarm_is_a_rise_and_only_alarm_to_ok_a_fall_after_it(house: House) -> None:
    assert _problem(house, _rise(old="INSUFFICIENT_DATA"), _fall()) == NO_RISE
    assert _problem(house, _rise(new="INSUFFICIENT_DATA"), _fall()) == NO_RISE
    assert _problem(house, _rise(), _fall(new="INSUFFICIENT_DATA")) == NO_FALL
    assert _problem(house, _rise(), _fall(old="INSUFFICIENT_DATA")) == NO_FALL
    assert _problem(house, _fall(at(2)), _rise(at(5))) == NO_FALL
    assert _problem(house, _rise(at(5)), _fall(at(5))) == NO_FALL
    assert _problem(house, _rise(at(5)), _fall("2026-01-31T12:05:00.001Z")) == ""


@reasoning
def a_rise_rests_on_a_datapoint_beyond_the_threshold(house: House) -> None:
    assert _problem(house, _rise(datapoints=()), _fall()) == "the alarm went off on missing data: no datapoint breached"
    assert _problem(house, _rise(datapoints=("26",)), _fall()) == "no evaluated datapoint is GreaterThanThreshold 26"
    assert _problem(house, _rise(datapoints=("26", "26.0000001")), _fall()) == ""
    for spoiled in ({"threshold": ""}, {"datapoints": ("much",)}, {"datapoints": ("NaN",)}):
        assert "is no number" in _problem(house, _rise(**spoiled), _fall())


@reasoning
def only_a_number_that_can_be_compared_is_the_value_of_a_fault(house: House) -> None:
    is_number = house.modules["alarm_fit"].is_number
    assert all(is_number(text) for text in ("1", "-0.5", "1E+3"))
    assert not any(is_number(text) for text in ("", "one", "NaN", "Infinity"))


@reasoning
def an_alarm_breaches_as_its_own_comparison_says(house: House) -> None:
    breaching = {
        "GreaterThanThreshold": ("27",),
        "GreaterThanOrEqualToThreshold": ("26", "27"),
        "LessThanThreshold": ("25",),
        "LessThanOrEqualToThreshold": ("25", "26"),
    }
    for comparison, values in breaching.items():
        for value in ("25", "26", "27"):
            window = {**WINDOW, "comparison": comparison}
            found = house.modules["alarm_window"].detection([_rise(datapoints=(value,)), _fall()], **window)
            assert (found.problem == "") is (value in values), (comparison, value)


@reasoning
def a_datapoint_may_be_one_period_older_than_the_window_and_no_more(house: House) -> None:
    old = "the breaching datapoint is older than the window"

    assert _problem(house, _rise(newest_datapoint_at="2026-01-31T11:55:00.000Z"), _fall()) == ""
    assert _problem(house, _rise(newest_datapoint_at="2026-01-31T11:54:59.999Z"), _fall()) == old
    assert _problem(house, _rise(newest_datapoint_at=""), _fall()) == old


@reasoning
def a_rise_that_does_not_count_still_says_when_it_was(house: House) -> None:
    detection = house.modules["alarm_window"].detection

    assert detection([_rise(datapoints=())], **WINDOW).noticed_at == at(5)
    assert detection([_rise()], **WINDOW).noticed_at == at(5)
    assert detection([_fall()], **WINDOW).noticed_at == ""


@reasoning
def the_minutes_of_a_drill_are_those_of_its_phases_unless_the_operator_sets_them(house: House) -> None:
    estimated = house.modules["cost"].estimated_minutes
    unset = CostInputs()
    phases = ("check_health", "restore", "promote", "teardown")

    assert estimated(phases, unset, promotes=True) == 20
    assert estimated(phases, unset, promotes=False) == 18
    assert estimated((), unset, promotes=True) == 0
    assert estimated(phases, CostInputs(runtime_minutes=0), promotes=True) == 0
    assert estimated(phases, CostInputs(runtime_minutes=7), promotes=False) == 7
