"""The decision of a person about a drill that waits for it."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import World
from drproof.cli.errors import clear, echo_line
from drproof.cli.which import MachineArn, Profile, machine_of, operator_at, place_of, refuse_unless_one

if TYPE_CHECKING:
    from drproof.engine.deciding import Asked, Word
    from drproof.evidence.approvals import SignedDecision
    from drproof.model.receipt import Caller

DONE = {"approve": "approved", "reject": "rejected"}
TAKEN_UP_SECONDS = 10
"""How long a drill is watched until it has taken a decision up; it looks four times a second."""

Drill = Annotated[Path | None, typer.Option("--drill", help="The folder of the drill that waits, reports/<drill-id>.")]
Arn = Annotated[str, typer.Option("--execution-arn", metavar="ARN", help="Or the execution that waits.")]
Key = Annotated[str, typer.Option("--signer", help="Your own key, file2:<path> or awskms:<key>.")]
Reason = Annotated[str, typer.Option(help="Why; asked for at a terminal where it is missing.")]
Ticket = Annotated[str, typer.Option(help="Where it is recorded elsewhere.")]
Region = Annotated[
    str,
    typer.Option(envvar="AWS_REGION", help="The region to ask in; for an execution that of its ARN."),
]
Account = Annotated[str, typer.Option(envvar="EXPECTED_ACCOUNT_ID", help="The account that you must be of.")]
Who = Annotated[str, typer.Option("--approver", help="Who you mean to be: your ARN, or the name that it ends in.")]
Valid = Annotated[str, typer.Option("--valid-for", help="How long the decision may be taken up.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be decided; sign and send nothing.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who decides, by which key, and how they say so."""

    signer: str
    reason: str
    ticket: str
    region: str
    profile: str
    account: str
    approver: str
    """Who they mean to be; empty where they do not say."""
    valid_for: str
    yes: bool
    dry_run: bool
    world: str
    """The embedded world, instead of AWS."""


def _command(word: "Word", says: str) -> Callable[..., None]:
    """Return the command of one word: both ask for the same."""

    def said(  # noqa: PLR0913 — what a decision says
        context: typer.Context,
        drill: Drill = None,
        execution_arn: Arn = "",
        state_machine_arn: MachineArn = "",
        signer: Key = "",
        reason: Reason = "",
        ticket: Ticket = "",
        region: Region = "",
        profile: Profile = "",
        expected_account_id: Account = "",
        approver: Who = "",
        valid_for: Valid = "1h",
        *,
        yes: Yes = False,
        dry_run: Dry = False,
        world: World = "",
    ) -> None:
        person = Person(
            signer=signer,
            reason=reason,
            ticket=ticket,
            region=region,
            profile=profile,
            account=expected_account_id,
            approver=approver,
            valid_for=valid_for,
            yes=yes,
            dry_run=dry_run,
            world=world,
        )
        machine = machine_of(context, state_machine_arn, besides=drill is not None or bool(execution_arn))
        _decide(word, drill, execution_arn, machine, person)

    said.__doc__ = says
    return said


approve = _command(
    "approve", "Approve the recovered site of a drill that waits for a decision, as yourself and by your own key."
)
reject = _command("reject", "Reject it: that the recovered site is not to be the canonical one is on record.")


def _decide(word: "Word", drill: Path | None, arn: str, machine: str, person: Person) -> None:
    with clear():
        refuse_unless_one(drill, arn, machine, command=word, more="--drill, ")
        if drill is not None:
            _decide_about_a_drill(word, drill, person)
        else:
            _decide_about_an_execution(word, arn, machine, person)


def _decide_about_a_drill(word: "Word", drill: Path, person: Person) -> None:
    from drproof import catalog
    from drproof.engine import deciding
    from drproof.engine.refusal import refuse
    from drproof.targets import open_operator

    if person.world:
        raise refuse(
            "--embedded is about executions: a drill keeps where its own world is",
            expected="--drill alone",
            got=person.world,
            next_step=f"drproof {word} --drill {drill}",
        )
    asked = deciding.asked_of(drill, catalog.types(), datetime.now(UTC))
    region = person.region or asked.plan.criteria.sites.recovery.region
    endpoint = deciding.endpoint_of(drill) if asked.plan.mode == "rehearsal" else ""
    operator = open_operator(region=region, profile=person.profile, endpoint=endpoint, side="approver")
    signed = _asked_and_signed(word, asked, operator.identity.caller(), person)
    if signed is not None:
        path = deciding.lay(drill, signed)
        echo_line(f"{DONE[word]}: {path}")
        _watch(drill, path)


def _decide_about_an_execution(word: "Word", arn: str, machine: str, person: Person) -> None:
    from drproof.cli.executions import released
    from drproof.engine.deciding_executions import answer, asked_of_execution
    from drproof.engine.execution_seen import lines as lines_of
    from drproof.engine.execution_seen import the_one_that_runs

    place = place_of(arn, machine)
    operator = operator_at(place, person.region, person.profile, person.account, person.world, "approver")
    caller = operator.identity.caller()
    arn = arn or the_one_that_runs(operator.workflows, machine)
    asked, seen = asked_of_execution(operator, arn, datetime.now(UTC))
    for line in lines_of(operator, seen, released()):
        echo_line(line)
    signed = _asked_and_signed(word, asked, caller, person)
    if signed is not None:
        answer(operator, seen, signed)
        echo_line(f"{DONE[word]}: {arn}")


def _asked_and_signed(word: "Word", asked: "Asked", caller: "Caller", person: Person) -> "SignedDecision | None":
    """Show what is to be decided, ask whether that is meant, and return the signed decision; None in a dry run."""
    _refuse_another_person(person, caller)
    for line in lines(asked, caller):
        echo_line(line)
    person = _confirmed(word, person)
    if person.dry_run:
        echo_line(f"dry run: would {word}; nothing was signed, and the drill still waits")
        return None
    return _signed(asked, word, caller, person)


def lines(asked: "Asked", caller: "Caller") -> list[str]:
    """Return what a person has to know before they decide."""
    plan = asked.plan
    return [
        *([f"execution: {asked.execution_arn}"] if asked.execution_arn else []),
        f"drill: {asked.drill_id}, mode {plan.mode}",
        f"restore point: {plan.criteria.backup.uri}",
        f"image: {plan.criteria.image_ref}",
        f"machine: {asked.instance or 'unknown'}",
        f"validation: passed at {asked.validated_at}; receipt {asked.validation_sha256}",
        f"plan: {asked.plan_sha256}",
        f"run by: {', '.join(asked.operators) or 'unknown'}",
        f"waits until: {asked.until}",
        f"you are: {caller.arn}",
    ]


def _refuse_another_person(person: Person, caller: "Caller") -> None:
    from drproof.engine.refusal import refuse

    if person.account and caller.account_id != person.account:
        raise refuse(
            "that is another account",
            expected=person.account,
            got=f"{caller.account_id} ({caller.arn})",
            next_step="sign on with --profile, or mend --expected-account-id",
        )
    if person.approver and person.approver not in {caller.arn, caller.arn.rpartition("/")[2]}:
        raise refuse(
            "a decision is of whoever signed on, and --approver names somebody else",
            expected=person.approver,
            got=caller.arn,
            next_step="sign on as yourself with --profile, or leave --approver out",
        )


def _confirmed(word: "Word", person: Person) -> Person:
    """Return what the person said, once they meant it; a terminal is asked for what is missing."""
    from drproof.engine.refusal import refuse

    asks = sys.stdin.isatty()
    if not person.reason.strip() and asks and not person.dry_run:
        person = replace(person, reason=str(typer.prompt("reason")))
    if not person.ticket.strip() and asks and not person.dry_run:
        person = replace(person, ticket=str(typer.prompt("ticket")))
    if person.yes or person.dry_run:
        return person
    if not asks:
        raise refuse("nobody is there to ask whether that is meant", next_step=f"drproof {word} … --yes")
    if not typer.confirm(f"{word} this recovery?"):
        raise refuse("nothing was decided", next_step=f"drproof {word} … when you mean it")
    return person


def _signed(asked: "Asked", word: "Word", caller: "Caller", person: Person) -> "SignedDecision":
    from drproof.engine import deciding
    from drproof.engine.refusal import refuse
    from drproof.formats import durations
    from drproof.targets import open_key

    if not person.signer:
        raise refuse(
            "a decision is signed, and no key is named",
            expected="--signer with your own key",
            next_step="drproof keys init <your folder> --role approver, before the next drill",
        )
    region = person.region or asked.plan.criteria.sites.recovery.region
    return deciding.decide(
        asked,
        word,
        caller=caller,
        signer=open_key(person.signer, region=region, profile=person.profile),
        ticket=person.ticket,
        reason=person.reason,
        now=datetime.now(UTC),
        valid_ms=durations.parse(person.valid_for),
    )


def _watch(drill: Path, path: Path) -> None:
    """Say what became of a decision, as far as it shows soon."""
    from drproof.engine.gate import waiting_path

    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while time.monotonic() < deadline:
        if not path.exists():
            typer.echo("drproof: the drill did not take it: its terminal says why", err=True)
            raise typer.Exit(1)
        if not waiting_path(drill.resolve()).exists():
            echo_line("the drill has taken it up")
            return
        time.sleep(0.1)
    echo_line("the drill has not taken it up yet")
