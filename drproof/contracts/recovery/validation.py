"""Validation showed that the recovered machine works, and changed nothing while it looked."""

from dataclasses import replace
from typing import Any

from drproof.contracts.digests import other
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.recovery.commands import CommandSeen
from drproof.phases.recovery.inspect_runner import RunnerInspected

CONTROLS = ["NIST CP-4(4)", "SOC 2 A1.3", "ISO 22301 8.5"]
Validation = Receipt[RunnerInspected]


@contract(
    needs=["inspect_runner"],
    subjects=expected("validation command", lambda criteria: criteria.validation_commands),
    controls=CONTROLS,
)
def validation_command_succeeded(inspect_runner: Validation, subject: str) -> Finding:
    """Each validation command ran to its end on the recovered machine and succeeded."""
    seen = next((one for one in inspect_runner.facts.commands if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of command {subject}")
    return compare(
        observed={"status": seen.status, "exit_status": seen.exit_status},
        expected={"status": "Success", "exit_status": 0},
        reason=f"{seen.command}: {' '.join(seen.stderr_tail)[-200:] or 'no error output'}",
    )


@validation_command_succeeded.sabotage("the command failed")
def command_failed(inspect_runner: Validation, subject: str) -> Validation:
    """Fail the command."""
    return _command(inspect_runner, subject, status="Failed")


@validation_command_succeeded.sabotage("the command has an exit status")
def command_exited(inspect_runner: Validation, subject: str) -> Validation:
    """End the command with 1."""
    return _command(inspect_runner, subject, exit_status=1)


@contract(needs=["inspect_runner"], controls=CONTROLS)
def validation_observed_only(inspect_runner: Validation) -> Finding:
    """Nothing that validation watches was made, removed or rewritten while it ran."""
    facts = inspect_runner.facts
    if not facts.watched:
        return undecided("validation watched nothing: nobody can say what it changed")
    found = compare(
        observed={"entries": facts.after.entries, "sha256": facts.after.sha256, "changed": list(facts.changed)},
        expected={"entries": facts.before.entries, "sha256": facts.before.sha256, "changed": []},
        reason="validation changed what it was meant to find",
    )
    if found.status is Status.REFUTED:
        return found
    # No difference proves something only if every difference could have been seen.
    if facts.commands_before:
        return undecided(
            "validation had begun when the machine was first looked at: what it made before that was taken for given",
            observed={"commands_before": facts.commands_before},
            expected={"commands_before": 0},
        )
    if facts.after.unreadable:
        return undecided(
            "the machine could not look at everything that is watched",
            observed={"unreadable": facts.after.unreadable},
            expected={"unreadable": 0},
        )
    return found


@validation_observed_only.sabotage("a watched entry changed")
def made_it_itself(inspect_runner: Validation) -> Validation:
    """Change an entry."""
    facts = inspect_runner.facts
    return replace(inspect_runner, observed=replace(facts, changed=(f"regular file 644 {facts.watched[0]}/made",)))


@validation_observed_only.sabotage("there is one entry more than before")
def one_more_entry(inspect_runner: Validation) -> Validation:
    """Count one more."""
    facts = inspect_runner.facts
    return replace(inspect_runner, observed=replace(facts, after=replace(facts.after, entries=facts.after.entries + 1)))


@validation_observed_only.sabotage("the entries have another digest than before")
def other_digest(inspect_runner: Validation) -> Validation:
    """Change the digest."""
    facts = inspect_runner.facts
    spoiled = replace(facts.after, sha256=other(facts.after.sha256))
    return replace(inspect_runner, observed=replace(facts, after=spoiled))


def _command(receipt: Validation, name: str, **changes: Any) -> Validation:  # noqa: ANN401 — fields of one value
    def changed(seen: CommandSeen) -> CommandSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, commands=tuple(changed(seen) for seen in facts.commands)))
