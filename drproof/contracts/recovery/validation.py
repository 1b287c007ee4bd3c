"""Validation showed that the recovered machine works, and changed nothing while it looked."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.recovery.validate import CommandSeen, ValidateObserved

CONTROLS = ["NIST CP-4(4)", "SOC 2 A1.3", "ISO 22301 8.5"]
Validation = Receipt[ValidateObserved]


@contract(
    needs=["validate"],
    subjects=expected("validation command", lambda criteria: criteria.validation_commands),
    controls=CONTROLS,
)
def validation_command_succeeded(validate: Validation, subject: str) -> Finding:
    """Each validation command ran to its end on the recovered machine and succeeded."""
    seen = next((one for one in validate.facts.commands if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of command {subject}")
    return compare(
        observed={"status": seen.status, "exit_status": seen.exit_status},
        expected={"status": "Success", "exit_status": 0},
        reason=f"{seen.command}: {' '.join(seen.stderr_tail)[-200:] or 'no error output'}",
    )


@validation_command_succeeded.sabotage("the command failed")
def command_failed(validate: Validation, subject: str) -> Validation:
    """Fail the command."""
    return _command(validate, subject, status="Failed")


@validation_command_succeeded.sabotage("the command has an exit status")
def command_exited(validate: Validation, subject: str) -> Validation:
    """End the command with 1."""
    return _command(validate, subject, exit_status=1)


@contract(needs=["validate"], controls=CONTROLS)
def validation_observed_only(validate: Validation) -> Finding:
    """Nothing that validation watches was made, removed or rewritten while it ran."""
    facts = validate.facts
    if not facts.watched or not facts.files_before:
        return undecided("validation watched nothing: nobody can say what it changed", observed=list(facts.watched))
    return hold(
        not facts.changed and facts.files_before == facts.files_after,
        observed={"changed": list(facts.changed), "files": facts.files_after},
        expected={"changed": [], "files": facts.files_before},
        reason="validation changed what it was meant to find",
    )


@validation_observed_only.sabotage("a command made what it then found")
def made_it_itself(validate: Validation) -> Validation:
    """Make a file."""
    facts = validate.facts
    return replace(validate, observed=replace(facts, changed=(f"{facts.watched[0]}/made",)))


@validation_observed_only.sabotage("there is one file more than before")
def one_more_file(validate: Validation) -> Validation:
    """Count a file more."""
    facts = validate.facts
    return replace(validate, observed=replace(facts, files_after=facts.files_after + 1))


def _command(receipt: Validation, name: str, **changes: Any) -> Validation:  # noqa: ANN401 — fields of one value
    def changed(seen: CommandSeen) -> CommandSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, commands=tuple(changed(seen) for seen in facts.commands)))
