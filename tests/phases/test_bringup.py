"""What an earlier attempt or a person started is this drill's bring-up; what was there before is not."""

from dataclasses import replace

import pytest

from drproof.contracts.recovery.applied import applied_is_what_was_planned
from drproof.contracts.recovery.runner import runner_was_started_by_this_drill
from drproof.model.context import DRILL_TAG
from drproof.model.errors import PhaseError, ThrottledError, UnansweredError
from drproof.model.verdict import Status
from drproof.phases.recovery.bringup import bringup, seen_to_run
from drproof.phases.recovery.resolve_runner import resolve_runner
from tests.contracts.evidence import PASSING
from tests.contracts.observed import MACHINE

SLOWER = ThrottledError("Request limit exceeded", code="RequestLimitExceeded")


def verdict(drill, brought):
    resolved = drill.attempt(resolve_runner)
    receipts = PASSING.receipts
    return runner_was_started_by_this_drill.decide(
        replace(receipts["bringup"], observed=brought), replace(receipts["resolve_runner"], observed=resolved)
    ).status


def test_a_first_attempt_that_starts_the_machine_is_cold(drill):
    brought = drill.attempt(bringup)

    assert (brought.start, brought.created, brought.instance_ids) == ("cold", 1, (MACHINE,))
    assert verdict(drill, brought) is Status.PROVEN


@pytest.mark.parametrize(
    ("call", "error"),
    [("wait_until", SLOWER), ("wait_online", SLOWER), ("up", SLOWER), ("up", UnansweredError("read timed out"))],
    ids=["the-wait", "the-agent", "the-start", "no-answer"],
)
def test_a_second_attempt_finds_the_machine_of_the_first_and_says_that_the_drill_started_it(drill, site, call, error):
    site.faults.after[call] = error

    brought = drill.attempts(bringup, type(error))

    assert (brought.start, brought.created, brought.instance_ids) == ("cold", 1, (MACHINE,))
    assert brought.present_before == ()
    assert verdict(drill, brought) is Status.PROVEN


def test_another_window_does_not_start_what_an_earlier_one_left_running(drill, tmp_path):
    drill.attempt(bringup)
    later = drill.window(tmp_path / "later.log", "drill-2")

    brought = later.attempt(bringup)

    assert (brought.start, brought.created, brought.present_before) == ("no-op", 0, (MACHINE,))
    assert verdict(later, brought) is Status.REFUTED


def test_a_machine_of_somebody_else_was_there_before_in_every_attempt(drill, site):
    site.add("i-stranger")
    site.faults.after["wait_online"] = SLOWER

    assert drill.attempts(bringup, ThrottledError).present_before == ("i-stranger",)


def test_a_bring_up_without_a_machine_of_the_drill_is_none(drill, site):
    site.up = lambda intent, spec, **_: replace(type(site).up(site, intent, spec), created_ids=(), created=0)
    site.add = lambda *_, **__: None

    with pytest.raises(PhaseError, match="no machine with the drill's tag"):
        drill.attempt(bringup)


OURS = {DRILL_TAG: "drill-1"}
LONG_AGO = "2020-01-01T00:00:00.000Z"


def looked(drill):
    """Look as after an act by hand, and return what was seen; whatever is meant to change something is an error."""
    context = drill.context("bringup")
    seen = seen_to_run(context)
    assert context.effects.made() == (), "a look changes nothing"
    return seen


def test_a_machine_that_a_person_started_is_seen_and_is_this_drills_while_nobody_counted_what_was_planned(drill, site):
    site.add(MACHINE, **OURS)

    seen = looked(drill)

    assert (seen.start, seen.created, seen.instance_ids, seen.present_before) == ("cold", 1, (MACHINE,), ())
    assert (seen.changed, seen.destroyed, seen.planned, seen.applied) == (None, None, None, None)
    assert verdict(drill, seen) is Status.PROVEN
    receipt = replace(PASSING.receipts["bringup"], observed=seen)
    assert applied_is_what_was_planned.decide(receipt).status is Status.UNPROVEN


def test_a_machine_that_was_only_started_again_or_marked_by_hand_was_there_before(drill, site):
    site.add(MACHINE, made_at=LONG_AGO, **OURS)
    assert site.machines[MACHINE].launched_at > PASSING.receipts["read_restore_point"].ended_at

    seen = looked(drill)

    assert (seen.start, seen.created, seen.present_before) == ("no-op", 0, (MACHINE,))
    assert verdict(drill, seen) is Status.REFUTED


def test_a_strangers_machine_beside_the_one_by_hand_was_there_before_and_is_nobodys_bring_up(drill, site):
    site.add("i-stranger", made_at=LONG_AGO)
    site.add(MACHINE, **OURS)

    seen = looked(drill)

    assert (seen.start, seen.instance_ids, seen.present_before) == ("cold", (MACHINE,), ("i-stranger",))


def test_of_two_machines_by_hand_both_are_told_of_and_the_older_one_was_there_before(drill, site):
    site.add("i-older", made_at=LONG_AGO, **OURS)
    site.add(MACHINE, **OURS)

    seen = looked(drill)

    assert (seen.instance_ids, seen.start, seen.created) == (("i-older", MACHINE), "no-op", 1)


def test_a_machine_without_the_drills_tag_is_none_and_the_tags_are_told(drill, site):
    site.add("i-other")

    with pytest.raises(PhaseError, match=r"got i-other(.|\n)*create-tags(.|\n)*Key=drproof:drill,Value=drill-1"):
        looked(drill)


def test_a_machine_of_which_nobody_knows_when_it_was_made_is_not_taken_for_a_new_one(drill, site):
    site.add(MACHINE, made_at="", **OURS)

    with pytest.raises(PhaseError, match="does not say when"):
        looked(drill)


def test_a_machine_by_hand_that_takes_no_commands_is_not_up(drill, site):
    site.add(MACHINE, **OURS)
    site.faults.before["wait_online"] = SLOWER

    with pytest.raises(ThrottledError):
        looked(drill)
