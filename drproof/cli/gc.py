"""The command that removes what dead drills left; it needs no folder of any drill."""

import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drproof.cli.buckets import Json, World
from drproof.cli.errors import MISUSED, echo_line
from drproof.cli.which import is_said
from drproof.report.visible import printable

if TYPE_CHECKING:
    from drproof.engine.sweep_documents import SweepRecord

REMAINS = 1
REFUSED = 4
"""A guard refused: wrong account, or more is due than may be removed."""

SWEEPS = "sweeps"


BOUNDS = {
    "older_than": "--older-than",
    "max_deletions": "--max-deletions",
    "target": "--target",
    "expected_account_id": "--expected-account-id",
    "region": "--region",
    "profile": "--profile",
    "world": "--embedded",
    "record_dir": "--record-dir",
}
"""What bounds a sweep, and where: the command that removes must have it as the one that told had it."""


def gc(  # noqa: PLR0913 — one option a limit
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is due; without it, only tell.")] = False,
    drill: Annotated[str, typer.Option("--drill", metavar="ID", help="Only what this drill made.")] = "",
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DURATION", help="Only what expired so long ago, such as 24h.")
    ] = "0s",
    max_deletions: Annotated[
        int, typer.Option("--max-deletions", min=1, help="More is refused before the first is removed.")
    ] = 1_000,
    target: Annotated[str, typer.Option("--target", help="aws, or embedded with --embedded.")] = "",
    expected_account_id: Annotated[
        str, typer.Option("--expected-account-id", help="The account of the recovery site.")
    ] = "",
    region: Annotated[str, typer.Option("--region", help="The region of the recovery site.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="A profile of the AWS configuration.")] = "",
    world: World = "",
    record_dir: Annotated[
        Path | None, typer.Option("--record-dir", help="Where the record is written; reports/sweeps by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Remove what drills left at the recovery site and what has expired; a dry run unless --yes.

    Exit status: 0 nothing is left that has expired, 1 something is, 2 misused or not answered, 4 refused by a guard.
    """
    from drproof.engine.refusal import refuse
    from drproof.engine.sweep import sweep
    from drproof.engine.sweep_asked import Asked, sweep_settings
    from drproof.formats import durations
    from drproof.model.errors import DrproofError, GuardError
    from drproof.targets import open_target

    given = {"target": target, "expected_account_id": expected_account_id, "region": region, "profile": profile}
    try:
        options = {name: value for name, value in given.items() if value}
        settings = sweep_settings(options, os.environ, Path.cwd())
        if (settings.target == "embedded") is not bool(world):
            raise refuse(
                "a sweep of an embedded world needs both --target embedded and --embedded: one ends with its drill",
                got=f"target {settings.target}, and {world or 'no world'}",
                next_step="python -m drproof.embedded --directory <new folder>, which prints its URL, or --target aws",
            )
        asked = Asked(drill=drill, older_than_ms=durations.parse(older_than), max_deletions=max_deletions, yes=yes)
        folder = record_dir or Path.cwd() / "reports" / SWEEPS
        with tempfile.TemporaryDirectory(prefix="drproof-gc-") as private:
            opened = open_target(settings, world or None, directory=Path(private), origin="")
            record = sweep(opened, settings, asked, folder)
    except GuardError as exc:
        _end(str(exc), REFUSED)
    except (ValueError, DrproofError, OSError) as exc:
        _end(str(exc), MISUSED)
    if as_json:
        from drproof.model.codec import encode

        typer.echo(json.dumps(encode(record), indent=2, sort_keys=True))
    else:
        _tell(record, folder, _again(context))
    raise typer.Exit(REMAINS if record.remaining else 0)


def _again(context: typer.Context) -> str:
    """Return the command that removes what this one told of: there, and within the same bounds."""
    drill = context.params["drill"]
    words = ["drproof", "gc", *(["--drill", drill] if drill else []), "--yes"]
    for name, option in BOUNDS.items():
        if is_said(context, name):
            words += [option, str(context.params[name])]
    return shlex.join(words)


def _tell(record: "SweepRecord", folder: Path, again: str) -> None:
    for item in record.items:
        many = f" ({item.count})" if item.count > 1 else ""
        echo_line(f"{item.decision:8} {item.kind} {item.identity}{many} of {item.drill or 'no drill'}: {item.why}")
    if record.obstacle:
        echo_line(f"the sweep did not get through: {record.obstacle}")
    words = ("removed", "due", "failed", "held", "foreign", "left")
    counts = {word: sum(item.decision == word for item in record.items) for word in words}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing with the mark of a drill"
    echo_line(f"account {record.account_id} in {record.region}: {told}")
    for step in _next_steps(record, again):
        echo_line(f"next: {step}")
    echo_line(f"record: {folder / (record.sweep_id + '.json')}")


def _next_steps(record: "SweepRecord", again: str) -> tuple[str, ...]:
    """Return the commands for what has expired and is still there, each once."""
    steps = [again] if any(item.decision in {"due", "failed"} for item in record.items) else []
    return tuple(dict.fromkeys([*steps, *(item.next_step for item in record.remaining if item.next_step)]))


def _end(text: str, status: int) -> NoReturn:
    typer.echo(printable(f"drproof: {text}", lines=True), err=True)
    raise typer.Exit(status)
