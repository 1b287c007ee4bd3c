"""The commands. Exit status: 0 done, 1 done and not proven, 2 misused or refused, 130 stopped by a person."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import drproof
from drproof.cli.backup import app as backup_app
from drproof.cli.cluster import conformance
from drproof.cli.collect import collect
from drproof.cli.compare import compare
from drproof.cli.compare_inventories import compare_inventories
from drproof.cli.compare_prefixes import compare_prefixes
from drproof.cli.control_plane import app as control_plane_app
from drproof.cli.deciding import approve, reject
from drproof.cli.errors import ASKED, Stoppable, clear, echo
from drproof.cli.executions import status, teardown, trigger
from drproof.cli.export import export
from drproof.cli.fleet import app as fleet_app
from drproof.cli.gc import gc
from drproof.cli.keys import app as keys_app
from drproof.cli.keys import sign_off
from drproof.cli.machine import app as machine_app
from drproof.cli.package import package
from drproof.cli.policy import policy
from drproof.cli.published import verify_published
from drproof.cli.pull_secret import pull_secret
from drproof.cli.record_manual import record_manual
from drproof.cli.redaction import redaction
from drproof.cli.release import app as release_app
from drproof.cli.timestamp import timestamp
from drproof.cli.verify import verify

if TYPE_CHECKING:
    from drproof.engine.conclusion import Conclusion

app = typer.Typer(
    name="drproof",
    cls=Stoppable,
    help="Disaster-recovery drills that prove what they showed. Drills themselves run with pytest -m drill.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
schemas_app = typer.Typer(help="The JSON Schemas of what drproof writes.", no_args_is_help=True)
app.add_typer(schemas_app, name="schemas")
app.command()(conformance)
app.command()(gc)
app.command()(pull_secret)
app.command("record-manual")(record_manual)
app.command()(redaction)
app.command()(policy)
app.command()(package)
app.command()(verify)
app.command("verify-published")(verify_published)
app.command()(collect)
app.command()(export)
app.command()(compare)
app.command()(compare_inventories)
app.command()(compare_prefixes)
app.command()(sign_off)
app.command("approve")(approve)
app.command("reject")(reject)
app.command()(status)
app.command()(trigger)
app.command()(teardown)
app.command()(timestamp)
app.add_typer(keys_app, name="keys")
app.add_typer(release_app, name="release")
app.add_typer(control_plane_app, name="control-plane")
app.add_typer(backup_app, name="backup")
app.add_typer(fleet_app, name="fleet")
app.add_typer(machine_app, name="machine")

Folder = Annotated[Path, typer.Argument(help="The folder of a drill, such as reports/<drill-id>.")]


@app.command()
def resume(
    place: Annotated[str, typer.Argument(help="The folder of a drill, or s3://bucket/prefix/<drill-id> in its store.")],
    reports: Annotated[Path, typer.Argument(help="Where the folder of a drill from a store is made.")] = Path(
        "reports"
    ),
    finish: Annotated[bool, typer.Option("--finish", help="Run the phases that are left, instead of undoing.")] = False,
    signer: Annotated[str, typer.Option(help="Your own key, where that of the run is out of reach.")] = "",
    trust: Annotated[str, typer.Option(help="Whose signatures count in a store.")] = "",
) -> None:
    """Go on with a run that died: tear it down (the default) or finish it, then seal it.

    From another machine, whose disk has nothing of it, by its receipt store. What an execution made, whose plan has
    no teardown, is taken away in a window of its own.
    """
    from drproof.engine import undoing
    from drproof.engine.resume import FINISH, UNDO
    from drproof.engine.resume import resume as go_on
    from drproof.engine.resume_stored import SCHEME
    from drproof.engine.resume_stored import resume_stored as from_store

    with clear():
        purpose, directory = FINISH if finish else UNDO, Path(place)
        if place.startswith(SCHEME):
            directory = reports / place.rstrip("/").rpartition("/")[2]
            reason = "resumed by an operator, from its store"
            conclusion = from_store(place, reports, purpose, reason=reason, listener=_tell, signer=signer, trust=trust)
        else:
            conclusion = go_on(directory, purpose, reason="resumed by an operator", listener=_tell, signer=signer)
    undone = None
    with clear():
        if purpose == UNDO and undoing.is_left_up(directory, conclusion):
            undone = undoing.undo(directory.resolve(), Path.cwd(), listener=_tell, signer=signer)
    _sum_up(directory, conclusion, still_up=undone is None and conclusion.still_up)
    if undone is not None:
        _sum_up(undone.directory, undone.conclusion, still_up=undone.conclusion.still_up)
    raise typer.Exit(conclusion.exit_status or (undone.conclusion.exit_status if undone is not None else 0))


def _sum_up(directory: Path, conclusion: "Conclusion", *, still_up: bool) -> None:
    from drproof.cli.looking import opened
    from drproof.report import summary

    echo(f"{directory.name}: {conclusion.title}; {conclusion.stop_reason}")
    with clear():
        lines = summary.lines(
            opened(directory),
            outcome=conclusion.outcome,
            exit_status=conclusion.exit_status,
            still_up=still_up,
            directory=directory.resolve(),
            unstored=conclusion.unstored,
            unsealed=conclusion.unsealed,
        )
    for line in lines:
        echo(line)


def _tell(event: str, phase: str, receipt: object) -> None:
    if event == "begin":
        echo(f"drproof: {phase} begins")
    elif event == "end":
        echo(f"drproof: {phase} {getattr(receipt, 'outcome', '')}")


@app.command()
def report(
    directory: Folder,
    check: Annotated[bool, typer.Option("--check", help="Compare with the sealed page; write nothing.")] = False,
) -> None:
    """Render the page of a sealed bundle again beside it, or compare it with the sealed one byte for byte."""
    from drproof.cli.looking import compare_page, write_page

    with clear():
        if not check:
            echo(f"written: {write_page(directory)}")
            return
        difference = compare_page(directory)
    echo(difference or f"{directory / 'proof.html'} is what its evidence renders to")
    raise typer.Exit(1 if difference else 0)


@app.command()
def plans(name: Annotated[str, typer.Argument(help="One plan; all without it.")] = "") -> None:
    """Print each plan: its phases in order, their windows, and what each contract claims."""
    from drproof.cli.looking import plan_lines

    with clear():
        lines = plan_lines(name)
    for line in lines:
        echo(line)


@app.command()
def scenarios(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page of the documentation.")] = False,
) -> None:
    """Print the failures that the embedded world can inject, and how a drill ends on each."""
    from drproof.cli.looking import scenario_page
    from drproof.engine.settings import scenario
    from drproof.engine.settings import scenarios as names

    if markdown:
        typer.echo(scenario_page(), nl=False)
        return
    for name in names():
        echo(f"{name:32} {scenario(name).says}")


@schemas_app.command("write")
def write_schemas(directory: Annotated[Path, typer.Argument(help="The folder to write to.")]) -> None:
    """Write every schema, as the installed types give it."""
    from drproof.cli.schemas import documents

    with clear():
        directory.mkdir(parents=True, exist_ok=True)
        for file_name, data in documents().items():
            (directory / file_name).write_bytes(data)
    echo(f"{len(documents())} schemas in {directory}")


@schemas_app.command("check")
def check_schemas() -> None:
    """Compare the published schemas with what the installed types give."""
    from drproof.cli.schemas import differences

    found = differences()
    for line in found:
        echo(line)
    echo("the published schemas are those of the types" if not found else "next: drproof schemas write schemas")
    raise typer.Exit(1 if found else 0)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Disaster-recovery drills that prove what they showed."""
    ASKED.set(context.invoked_subcommand or "")
    if show:
        echo(f"drproof {drproof.__version__} (Python {sys.version.split()[0]})")
        raise typer.Exit
