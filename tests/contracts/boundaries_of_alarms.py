"""Where the comparisons turn that speak of how alarms are set, and of the schedule that they have to suit."""

from dataclasses import replace
from typing import Any

from drproof.model.alarms import AlarmRule
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import CRITERIA, HEALTH, HOUR, RULES

AGE, CORRECT = CRITERIA.alarms
MINUTE = 60_000
QUIET, SPEED, SILENCE = (
    "alarm_is_quiet_on_a_healthy_day",
    "alarm_can_notice_within_the_rpo",
    "alarm_takes_no_silence_for_health",
)
REACH = "alarm_goes_off_at_a_fault"
TOPICS = RULES.alarms[0].actions


def _set(name: str, evidence: Evidence = PASSING, **changes: Any) -> Evidence:
    rules = evidence.receipts["read_alarms"].facts.alarms
    changed = tuple(replace(rule, **changes) if rule.name == name else rule for rule in rules)
    return evidence.facts("read_alarms", alarms=changed)


def _paced(evidence: Evidence = PASSING, **changes: Any) -> Evidence:
    return evidence.asking(cadence=replace(CRITERIA.cadence, **changes))


def _unread(name: str) -> Evidence:
    return PASSING.facts("read_alarms", alarms=tuple(rule for rule in RULES.alarms if rule.name != name))


COMPOSITE = PASSING.facts(
    "read_alarms",
    alarms=tuple(
        AlarmRule(name=name, kind="composite", actions_enabled=True, actions=TOPICS, insufficient_data_actions=TOPICS)
        for name in CRITERIA.alarms
    ),
)


@boundary
def a_limit_of_freshness_is_as_long_as_runs_are_apart_or_longer(house: House) -> None:
    def limited(limit: int) -> Evidence:
        return PASSING.facts("read_alarms", freshness_limit_ms=limit).asking(freshness_limit_ms=limit)

    contract = "freshness_limit_suits_the_schedule"
    expect(
        house,
        contract,
        (limited(13 * HOUR), PROVEN),
        (limited(13 * HOUR - 1), REFUTED),
        (limited(6 * HOUR), REFUTED),
        (PASSING.asking(freshness_limit_ms=27 * HOUR), REFUTED),
        (PASSING.facts("read_alarms", schedule_gap_ms=12 * HOUR), REFUTED),
        (_paced(slack_ms=HOUR + 1), REFUTED),
        (_paced(longest_gap_ms=0), UNPROVEN),
        (_paced(schedule="0 1,14 * * *"), REFUTED),
    )
    assert "stale for 7 h at a time" in house.verdict(contract, limited(6 * HOUR)).reason
    assert "set primary.schedule" in house.verdict(contract, _paced(longest_gap_ms=0)).reason


@boundary
def an_alarm_exists_or_does_not_or_nobody_looked(house: House) -> None:
    for name, other in ((AGE, CORRECT), (CORRECT, AGE)):
        gone = _unread(name).facts(
            "read_alarms", alarms=_unread(name).receipts["read_alarms"].facts.alarms, absent=(name,)
        )
        expect(
            house,
            "alarm_exists",
            (PASSING, PROVEN),
            (gone, REFUTED),
            (_unread(name), UNPROVEN),
            (_unread(other), PROVEN),
            (COMPOSITE, PROVEN),
            subject=name,
        )
        assert f"there is no alarm {name}" in house.verdict("alarm_exists", gone, name).reason


@boundary
def what_was_not_read_of_an_alarm_is_not_taken_for_granted(house: House) -> None:
    for contract in ("alarm_watches_what_is_published", "alarm_tells_somebody", SILENCE, QUIET, SPEED):
        expect(house, contract, (_unread(AGE), UNPROVEN), (_unread(CORRECT), PROVEN), subject=AGE)
    for contract in ("alarm_watches_what_is_published", SILENCE, QUIET, SPEED):
        expect(house, contract, (COMPOSITE, UNPROVEN), subject=AGE)
        assert "it combines others" in house.verdict(contract, COMPOSITE, AGE).reason


@boundary
def an_alarm_watches_a_metric_that_is_there_as_it_is_there(house: House) -> None:
    expect(
        house,
        "alarm_watches_what_is_published",
        (_set(AGE, metric="PublishCorrectness"), PROVEN),
        (_set(AGE, metric="Nothing"), REFUTED),
        (_set(AGE, metric=""), UNPROVEN),
        (_set(AGE, namespace="Atlas/Test"), REFUTED),
        (_set(CORRECT, namespace="Atlas/Test"), PROVEN),
        (PASSING.facts("check_health", namespace=""), UNPROVEN),
        (_set(AGE, dimensions={}), REFUTED),
        (_set(AGE, dimensions={"Project": "another"}), REFUTED),
        (_set(CORRECT, dimensions={}), PROVEN),
        (PASSING.facts("check_health", metrics=HEALTH.metrics[1:]), REFUTED),
        subject=AGE,
    )


@boundary
def an_alarm_tells_somebody_with_an_action_that_is_enabled(house: House) -> None:
    expect(
        house,
        "alarm_tells_somebody",
        (_set(AGE, actions_enabled=False), REFUTED),
        (_set(AGE, actions=()), REFUTED),
        (_set(AGE, actions=(), insufficient_data_actions=TOPICS), REFUTED),
        (_set(CORRECT, actions=()), PROVEN),
        (COMPOSITE, PROVEN),
        subject=AGE,
    )
    assert house.verdict("alarm_tells_somebody", PASSING, AGE).expected["actions_enabled"] is True


@boundary
def silence_is_a_breach_or_is_told(house: House) -> None:
    expect(
        house,
        SILENCE,
        (_set(AGE, missing_data="missing"), REFUTED),
        (_set(AGE, missing_data="missing", insufficient_data_actions=TOPICS), PROVEN),
        (_set(AGE, missing_data="ignore", insufficient_data_actions=TOPICS), REFUTED),
        (_set(AGE, missing_data="notBreaching"), REFUTED),
        (_set(AGE, missing_data=""), REFUTED),
        (_set(CORRECT, missing_data="ignore"), PROVEN),
        subject=AGE,
    )


@boundary
def an_alarm_waits_for_data_as_long_as_they_may_take(house: House) -> None:
    told: dict[str, Any] = {"missing_data": "missing", "insufficient_data_actions": TOPICS}
    expect(
        house,
        QUIET,
        (_set(CORRECT, period_ms=15 * MINUTE - 1), REFUTED),
        (_set(CORRECT, period_ms=5 * MINUTE), REFUTED),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=3, datapoints=3), PROVEN),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=3, datapoints=2), REFUTED),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=6, datapoints=5), PROVEN),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=6, datapoints=4), REFUTED),
        (_set(CORRECT, period_ms=30 * MINUTE, periods=2, datapoints=1), PROVEN),
        (_set(CORRECT, period_ms=5 * MINUTE, **told), REFUTED),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=3, datapoints=2, **told), PROVEN),
        (_set(CORRECT, period_ms=5 * MINUTE, periods=2, datapoints=1, **told), REFUTED),
        # Nobody is told of silence, so nothing that could be done to it would be a false alarm.
        (_set(CORRECT, period_ms=5 * MINUTE, missing_data="ignore"), UNPROVEN),
        (_paced(metrics_every_ms=0), UNPROVEN),
        (_paced(metrics_every_ms=1), UNPROVEN),
        (_set(CORRECT, period_ms=0), UNPROVEN),
        (_set(CORRECT, periods=0), UNPROVEN),
        (_set(CORRECT, datapoints=0), UNPROVEN),
        # Only the age of the last run has to do with the schedule.
        (_paced(longest_gap_ms=0), PROVEN),
        (_set(CORRECT, threshold="none"), PROVEN),
        (_paced(age_metric=""), UNPROVEN),
        subject=CORRECT,
    )
    reason = house.verdict(QUIET, _set(CORRECT, period_ms=5 * MINUTE), CORRECT).reason
    assert "metrics come every 15 min, and people are told when 1 of 1 periods of 5 min have no data" in reason
    assert "set primary.metrics_every" in house.verdict(QUIET, _paced(metrics_every_ms=0), CORRECT).reason
    assert "set primary.age_metric" in house.verdict(QUIET, _paced(age_metric=""), CORRECT).reason


@boundary
def an_alarm_that_has_gone_off_while_nothing_is_wrong_is_not_called_quiet(house: House) -> None:
    # Metrics come every 15 min, and one period of as much is looked at: what was a fault has passed by then.
    passed, just = "2026-01-31T11:29:59.999Z", "2026-01-31T11:30:00.000Z"
    read = PASSING.receipt("read_alarms", started_at="2026-01-31T12:00:00.000Z")

    def says(state: str, since: str = passed, name: str = CORRECT, **changes: Any) -> Evidence:
        return _set(name, read, state=state, state_since=since, **changes)

    # It is 0 while all is well, and this goes off at 0.
    loud = says("ALARM", threshold="0", comparison="GreaterThanOrEqualToThreshold")
    expect(
        house,
        QUIET,
        (says("OK"), PROVEN),
        (loud, UNPROVEN),
        (says("ALARM"), UNPROVEN),
        (says("ALARM", just), PROVEN),
        (says("ALARM", ""), UNPROVEN),
        (says("", ""), UNPROVEN),
        (says("ALARM", "2026-01-31T12:01:00.000Z"), PROVEN),
        (says("ALARM", "2026-01-31T12:01:00.001Z"), UNPROVEN),
        (says("INSUFFICIENT_DATA"), UNPROVEN),
        (says("INSUFFICIENT_DATA", just), PROVEN),
        (says("ALARM", "2026-01-31T10:44:59.999Z", periods=4), UNPROVEN),
        (says("ALARM", "2026-01-31T10:45:00.000Z", periods=4), PROVEN),
        (says("ALARM", name=AGE), PROVEN),
        (loud.facts("check_health", reasons=("stale_pipeline: it is",)), PROVEN),
        (says("ALARM", period_ms=5 * MINUTE), REFUTED),
        subject=CORRECT,
    )
    reason = house.verdict(QUIET, loud, CORRECT).reason
    assert f"nothing is wrong with the original site, and {CORRECT} says ALARM since {passed}" in reason


@boundary
def an_alarm_on_age_lets_a_healthy_run_grow_as_old_as_the_schedule_lets_it(house: House) -> None:
    at_least: dict[str, Any] = {"comparison": "GreaterThanOrEqualToThreshold"}
    expect(
        house,
        QUIET,
        (_set(AGE, threshold="13"), PROVEN),
        (_set(AGE, threshold="12.999"), REFUTED),
        (_set(AGE, threshold="13", **at_least), REFUTED),
        (_set(AGE, threshold="13.001", **at_least), PROVEN),
        (_set(AGE, threshold="6.0"), REFUTED),
        (_paced(slack_ms=8 * HOUR), PROVEN),
        (_paced(slack_ms=8 * HOUR + 1), REFUTED),
        (_paced(age_unit_ms=MINUTE), REFUTED),
        (_set(AGE, comparison="LessThanThreshold"), REFUTED),
        (_set(AGE, comparison="LessThanLowerThreshold"), UNPROVEN),
        (_set(AGE, threshold="none"), UNPROVEN),
        (_set(AGE, threshold="NaN"), UNPROVEN),
        (_set(AGE, threshold="Infinity"), UNPROVEN),
        (_paced(longest_gap_ms=0), UNPROVEN),
        # What silence cannot set off, a threshold still can.
        (_set(AGE, missing_data="ignore"), PROVEN),
        (_paced(_set(AGE, period_ms=1), metrics_every_ms=1), PROVEN),
        subject=AGE,
    )
    reason = house.verdict(QUIET, _set(AGE, threshold="6.0"), AGE).reason
    assert "up to 13 h old, and at 13 h it is GreaterThanThreshold 6.0" in reason
    strange: tuple[dict[str, Any], ...] = ({"threshold": "none"}, {"comparison": "LessThanLowerThreshold"})
    for changes in strange:
        assert "nobody knows how" in house.verdict(QUIET, _set(AGE, **changes), AGE).reason
    turned = house.verdict(QUIET, _set(AGE, comparison="LessThanThreshold"), AGE).reason
    assert "at 0 ms it is LessThanThreshold 20.0" in turned


@boundary
def an_alarm_on_age_is_reckoned_only_when_it_sees_ages(house: House) -> None:
    for contract in (QUIET, SPEED):
        expect(
            house,
            contract,
            *((_set(AGE, statistic=one), PROVEN) for one in ("Average", "Maximum", "Minimum")),
            *((_set(AGE, statistic=one), UNPROVEN) for one in ("", "SampleCount", "Sum", "p90")),
            (_set(CORRECT, statistic="Sum"), PROVEN),
            subject=AGE,
        )
        # A count or a sum of ages is no age; of another metric nobody says what its values mean.
        expect(house, contract, (_set(CORRECT, statistic="Sum"), PROVEN), subject=CORRECT)
    assert "the SampleCount of ages" in house.verdict(QUIET, _set(AGE, statistic="SampleCount"), AGE).reason


@boundary
def a_mean_or_a_least_age_breaches_a_period_later(house: House) -> None:
    exact = 20 * HOUR + 45 * MINUTE
    for statistic in ("Average", "Minimum"):
        expect(
            house,
            SPEED,
            (_set(AGE, PASSING.asking(rpo_ms=exact), statistic=statistic), PROVEN),
            (_set(AGE, PASSING.asking(rpo_ms=exact - 1), statistic=statistic), REFUTED),
            subject=AGE,
        )
    expect(
        house,
        SPEED,
        (_set(CORRECT, PASSING.asking(rpo_ms=30 * MINUTE), statistic="Average"), PROVEN),
        subject=CORRECT,
    )


@boundary
def an_alarm_goes_off_within_the_rpo_on_its_last_millisecond(house: House) -> None:
    # 20 h until the threshold is passed, 15 min until the next datapoint, and the periods that must breach.
    exact = 20 * HOUR + 30 * MINUTE
    expect(
        house,
        SPEED,
        (PASSING.asking(rpo_ms=exact), PROVEN),
        (PASSING.asking(rpo_ms=exact - 1), REFUTED),
        (_set(AGE, PASSING.asking(rpo_ms=exact + 15 * MINUTE), periods=3, datapoints=2), PROVEN),
        (_set(AGE, PASSING.asking(rpo_ms=exact + 15 * MINUTE - 1), periods=3, datapoints=2), REFUTED),
        (_set(AGE, threshold="23.5"), PROVEN),
        (_set(AGE, threshold="23.501"), REFUTED),
        (PASSING.asking(rpo_ms=0), UNPROVEN),
        (_paced(metrics_every_ms=0), UNPROVEN),
        # A run that grows older never falls below a threshold again.
        (_set(AGE, comparison="LessThanThreshold", threshold="0"), REFUTED),
        (_set(AGE, comparison="LessThanOrEqualToThreshold"), REFUTED),
        (_set(AGE, comparison="GreaterThanOrEqualToThreshold"), PROVEN),
        subject=AGE,
    )
    silent = house.verdict(SPEED, _set(AGE, comparison="LessThanThreshold", threshold="0"), AGE)
    assert "does not go off however old the last good run becomes" in silent.reason
    expect(
        house,
        SPEED,
        (PASSING.asking(rpo_ms=30 * MINUTE), PROVEN),
        (PASSING.asking(rpo_ms=30 * MINUTE - 1), REFUTED),
        (_set(CORRECT, comparison="LessThanThreshold"), PROVEN),
        subject=CORRECT,
    )


@boundary
def an_alarm_goes_off_at_the_value_of_a_fault(house: House) -> None:
    at_least: dict[str, Any] = {"comparison": "GreaterThanOrEqualToThreshold"}
    below: dict[str, Any] = {"comparison": "LessThanThreshold"}
    at_most: dict[str, Any] = {"comparison": "LessThanOrEqualToThreshold"}
    expect(
        house,
        REACH,
        (_set(CORRECT, threshold="0.999"), PROVEN),
        (_set(CORRECT, threshold="1"), REFUTED),
        (_set(CORRECT, threshold="5.0"), REFUTED),
        (_set(CORRECT, threshold="1", **at_least), PROVEN),
        (_set(CORRECT, threshold="1.001", **at_least), REFUTED),
        (_set(CORRECT, threshold="1", **below), REFUTED),
        (_set(CORRECT, threshold="1.001", **below), PROVEN),
        (_set(CORRECT, threshold="1", **at_most), PROVEN),
        (_set(CORRECT, threshold="0.999", **at_most), REFUTED),
        (_paced(fault_values={"PublishCorrectness": "0"}), REFUTED),
        (_paced(fault_values={}), UNPROVEN),
        (_paced(fault_values={"PublishCorrectness": "bad"}), UNPROVEN),
        (_paced(fault_values={"PublishCorrectness": "Infinity"}), UNPROVEN),
        (_paced(fault_values={"NeedsDR": "1"}), UNPROVEN),
        (_paced(age_metric=""), UNPROVEN),
        (_set(CORRECT, threshold="none"), UNPROVEN),
        (_set(CORRECT, threshold="-Infinity"), UNPROVEN),
        (_set(CORRECT, comparison="LessThanLowerThreshold"), UNPROVEN),
        (_set(CORRECT, metric=""), UNPROVEN),
        (_set(CORRECT, kind="composite"), UNPROVEN),
        *((_set(CORRECT, statistic=one), PROVEN) for one in ("Average", "Maximum", "Minimum")),
        *((_set(CORRECT, statistic=one), UNPROVEN) for one in ("", "SampleCount", "Sum", "p90")),
        subject=CORRECT,
    )
    assert "a fault makes it 1" in house.verdict(REACH, _set(CORRECT, threshold="5.0"), CORRECT).reason
    assert "set primary.fault_values" in house.verdict(REACH, _paced(fault_values={}), CORRECT).reason
    assert "set primary.age_metric" in house.verdict(REACH, _paced(age_metric=""), CORRECT).reason
    assert "the Sum of PublishCorrectness" in house.verdict(REACH, _set(CORRECT, statistic="Sum"), CORRECT).reason


@boundary
def an_alarm_on_age_goes_off_at_any_fault_that_lasts(house: House) -> None:
    expect(
        house,
        REACH,
        (_set(AGE, threshold="1E+9"), PROVEN),
        (_set(AGE, comparison="GreaterThanOrEqualToThreshold"), PROVEN),
        (_set(AGE, comparison="LessThanThreshold"), REFUTED),
        (_set(AGE, comparison="LessThanOrEqualToThreshold"), REFUTED),
        (_paced(fault_values={}), PROVEN),
        (_set(AGE, threshold="none"), UNPROVEN),
        (_set(AGE, statistic="Sum"), UNPROVEN),
        (_unread(AGE), UNPROVEN),
        (COMPOSITE, UNPROVEN),
        subject=AGE,
    )
