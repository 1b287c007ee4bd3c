"""Validation is compared with one look at the machine, which is taken before it and can hide nothing."""

import pytest

from drproof.contracts.recovery.validation import validation_observed_only
from drproof.model.errors import PhaseError, ThrottledError, UnansweredError
from drproof.model.verdict import Status
from drproof.phases.recovery.inspect_runner import inspect_runner
from tests.contracts.evidence import PASSING
from tests.contracts.observed import MACHINE

SLOWER = ThrottledError("Rate exceeded", code="ThrottlingException")


def verdict(observed):
    return validation_observed_only.decide(
        PASSING.receipt("inspect_runner", observed=observed).receipts["inspect_runner"]
    ).status


def test_commands_that_change_nothing_are_proven(drill):
    drill.validates("cat srv/state")

    seen = drill.attempt(inspect_runner)

    assert seen.before == seen.after
    assert (seen.before.entries, seen.before.unreadable) == (3, 0), "folder, file, and the file's content"
    assert verdict(seen) is Status.PROVEN


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("echo made > srv/made", "srv/made"),
        ("rm srv/state", "srv/state"),
        ("echo other > srv/state", "srv/state"),
        ("chmod 600 srv/state", "600 'srv/state'"),
        ("ln -s nowhere srv/link", "'srv/link' -> 'nowhere'"),
        ("mkdir absent", "absent absent"),
    ],
    ids=lambda value: value.replace("/", "-"),
)
def test_whatever_a_command_changes_is_refuted_and_named(drill, site, change, named):
    (site.folder / "srv" / "state").chmod(0o644)
    drill.validates(change, watch=("srv", "absent"))

    seen = drill.attempt(inspect_runner)

    assert verdict(seen) is Status.REFUTED
    assert any(named in entry for entry in seen.changed)


def test_a_second_attempt_is_compared_with_the_look_before_the_first(drill, site):
    drill.validates("echo made > srv/made")
    site.faults.before["look-after"] = SLOWER

    seen = drill.attempts(inspect_runner, ThrottledError)

    assert site.ran.count("look-before") == 1
    assert verdict(seen) is Status.REFUTED
    assert seen.changed == (), "the entries of the first look are not kept, and nothing else is called a change"


def test_a_later_window_is_compared_with_the_look_of_the_first(drill, site, tmp_path):
    drill.validates("echo made > srv/made")
    drill.attempt(inspect_runner)

    seen = drill.window(tmp_path / "later.log", "drill-2").attempt(inspect_runner)

    assert site.ran.count("look-before") == 1
    assert verdict(seen) is Status.REFUTED


def test_a_look_that_failed_before_any_command_is_taken_again_and_costs_nothing(drill, site):
    drill.validates("cat srv/state")
    site.faults.after["look-before"] = UnansweredError("read timed out")

    seen = drill.attempts(inspect_runner, UnansweredError)

    assert seen.commands_before == 0
    assert verdict(seen) is Status.PROVEN


@pytest.mark.parametrize("outcome", ["done", "failed", "nobody knows"])
def test_a_look_after_a_command_of_validation_proves_nothing(drill, outcome):
    drill.validates("cat srv/state")
    effects = drill.context("inspect_runner").effects
    error = {"failed": SLOWER, "nobody knows": UnansweredError("read timed out")}.get(outcome)
    try:
        with effects.intend("host.run", f"{MACHINE}/command-0"):
            if error:
                raise error
    except (ThrottledError, UnansweredError):
        assert error

    seen = drill.attempt(inspect_runner)

    assert seen.commands_before == 1
    assert verdict(seen) is Status.UNPROVEN


def test_diagnostics_and_other_machines_are_not_validation(drill):
    drill.validates("cat srv/state")
    with drill.context("diagnose").effects.intend("host.run", f"{MACHINE}/disk"):
        pass
    with drill.context("inspect_runner").effects.intend("host.run", "i-another/command-0"):
        pass

    assert drill.attempt(inspect_runner).commands_before == 0


def test_more_entries_than_an_output_carries_hide_no_change(drill, site):
    for number in range(400):
        (site.folder / "srv" / f"file-{number:04}").write_text("x")
    drill.validates("echo other > srv/file-0399")

    seen = drill.attempt(inspect_runner)

    assert seen.before.entries == 803
    assert seen.before.entries == seen.after.entries
    assert verdict(seen) is Status.REFUTED
    assert seen.changed == (), "a listing that was cut names nothing"


def test_a_watched_path_that_is_a_link_is_watched_where_it_leads(drill, site):
    (site.folder / "current").symlink_to("srv")
    drill.validates("echo made > srv/made", watch=("current",))

    assert verdict(drill.attempt(inspect_runner)) is Status.REFUTED


def test_what_the_machine_cannot_read_is_unproven(drill, site):
    # A program that fails stands for a file that may not be read: tests may run as root, who reads everything.
    (site.folder / "bin").mkdir()
    (site.folder / "bin" / "stat").write_text("#!/bin/sh\nexit 1\n")
    (site.folder / "bin" / "stat").chmod(0o755)
    drill.validates("true")
    run = site.run

    site.run = lambda intent, machine, command, **more: run(intent, machine, f"PATH=$PWD/bin:$PATH\n{command}", **more)
    seen = drill.attempt(inspect_runner)

    assert seen.after.unreadable == 1
    assert verdict(seen) is Status.UNPROVEN


@pytest.mark.parametrize("command", ["true", "echo drproof-look 3 0", "exit 1"])
def test_a_look_that_does_not_say_count_and_digest_is_no_look(drill, site, command):
    run = site.run
    site.run = lambda intent, machine, _, **more: run(intent, machine, command, **more)

    with pytest.raises(PhaseError, match="cannot be looked at before validation: expected count and digest"):
        drill.attempt(inspect_runner)


def test_a_command_of_the_settings_cannot_pass_for_a_look(drill, site):
    drill.validates("cat srv/state")
    with drill.context("inspect_runner").effects.intend("host.run", f"{MACHINE}/look-before"):
        pass

    assert drill.attempt(inspect_runner).commands_before == 1


def test_watching_nothing_is_unproven(drill):
    drill.validates("cat srv/state", watch=())

    seen = drill.attempt(inspect_runner)

    assert seen.before == seen.after
    assert verdict(seen) is Status.UNPROVEN
