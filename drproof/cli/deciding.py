"""The decision of a person about a drill that waits for it."""

import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.errors import clear, echo_line

if TYPE_CHECKING:
    from drproof.engine.deciding import Asked, Word
    from drproof.evidence.approvals import SignedDecision
    from drproof.model.receipt import Caller

TAKEN_UP_SECONDS = 10
"""How long a drill is watched until it has taken a decision up; it looks four times a second."""

Drill = Annotated[Path | None, typer.Option("--drill", help="The folder of the drill that waits, reports/<drill-id>.")]
Key = Annotated[str, typer.Option("--signer", help="Your own key, file2:<path> or awskms:<key>.")]
Reason = Annotated[str, typer.Option(help="Why; asked for at a terminal where it is missing.")]
Ticket = Annotated[str, typer.Option(help="Where it is recorded elsewhere.")]
Region = Annotated[str, typer.Option(envvar="AWS_REGION", help="The region to ask in; by itself that of the drill.")]
Profile = Annotated[str, typer.Option(envvar="AWS_PROFILE", help="Your own AWS profile.")]
Account = Annotated[str, typer.Option(envvar="EXPECTED_ACCOUNT_ID", help="The account that you must be of.")]
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
    valid_for: str
    yes: bool
    dry_run: bool


def approve(  # noqa: PLR0913 — what a decision says
    drill: Drill = None,
    signer: Key = "",
    reason: Reason = "",
    ticket: Ticket = "",
    region: Region = "",
    profile: Profile = "",
    expected_account_id: Account = "",
    valid_for: Valid = "1h",
    *,
    yes: Yes = False,
    dry_run: Dry = False,
) -> None:
    """Approve the recovered site of a drill that waits for a decision, as yourself and by your own key."""
    person = Person(
        signer=signer,
        reason=reason,
        ticket=ticket,
        region=region,
        profile=profile,
        account=expected_account_id,
        valid_for=valid_for,
        yes=yes,
        dry_run=dry_run,
    )
    _decide("approve", drill, person)


def reject(  # noqa: PLR0913 — what a decision says
    drill: Drill = None,
    signer: Key = "",
    reason: Reason = "",
    ticket: Ticket = "",
    region: Region = "",
    profile: Profile = "",
    expected_account_id: Account = "",
    valid_for: Valid = "1h",
    *,
    yes: Yes = False,
    dry_run: Dry = False,
) -> None:
    """Reject it: that the recovered site is not to be the canonical one is on record."""
    person = Person(
        signer=signer,
        reason=reason,
        ticket=ticket,
        region=region,
        profile=profile,
        account=expected_account_id,
        valid_for=valid_for,
        yes=yes,
        dry_run=dry_run,
    )
    _decide("reject", drill, person)


def _decide(word: "Word", drill: Path | None, person: Person) -> None:
    from drproof import catalog
    from drproof.engine import deciding
    from drproof.engine.refusal import refuse

    with clear():
        if drill is None:
            raise refuse("no drill is named", next_step=f"drproof {word} --drill reports/<drill-id>")
        asked = deciding.asked_of(drill, catalog.types(), datetime.now(UTC))
        caller = _caller(drill, asked, person)
        for line in lines(asked, caller):
            echo_line(line)
        person = _confirmed(word, person)
        if person.dry_run:
            echo_line(f"dry run: would {word}; nothing was signed, and the drill still waits")
            return
        path = deciding.lay(drill, _signed(asked, word, caller, person))
    echo_line(f"{word.rstrip('e')}ed: {path}")
    _watch(drill, path)


def lines(asked: "Asked", caller: "Caller") -> list[str]:
    """Return what a person has to know before they decide."""
    plan = asked.plan
    return [
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


def _caller(drill: Path, asked: "Asked", person: Person) -> "Caller":
    """Ask the platform who decides."""
    from drproof.engine.deciding import endpoint_of
    from drproof.engine.refusal import refuse
    from drproof.targets import open_identity

    region = person.region or asked.plan.criteria.sites.recovery.region
    endpoint = endpoint_of(drill) if asked.plan.mode == "rehearsal" else ""
    caller = open_identity(region=region, profile=person.profile, endpoint=endpoint).caller()
    if person.account and caller.account_id != person.account:
        raise refuse(
            "you are of another account",
            expected=person.account,
            got=f"{caller.account_id} ({caller.arn})",
            next_step="sign on with --profile, or mend --expected-account-id",
        )
    return caller


def _confirmed(word: "Word", person: Person) -> Person:
    """Return what the person said, once they meant it; a terminal is asked for what is missing."""
    from drproof.engine.refusal import refuse

    asks = sys.stdin.isatty()
    if not person.reason.strip() and asks and not person.dry_run:
        person = replace(person, reason=str(typer.prompt("reason")))
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
