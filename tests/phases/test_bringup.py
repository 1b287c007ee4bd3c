"""What an earlier attempt started is this drill's bring-up; what was there before is not."""

from dataclasses import replace

import pytest

from drproof.contracts.recovery.runner import runner_was_started_by_this_drill
from drproof.model.errors import PhaseError, ThrottledError, UnansweredError
from drproof.model.verdict import Status
from drproof.phases.recovery.bringup import bringup
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
