"""`drproof record-manual`: when automation fails, what a person does instead is put on record and looked at."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.errors import clear, echo, echo_line

if TYPE_CHECKING:
    from drproof.engine.manual import Recorded


def record_manual(  # noqa: PLR0913 — what is said of an act
    phase: Annotated[str, typer.Option(help="The phase in whose stead something is done, such as restore.")],
    command: Annotated[list[str] | None, typer.Argument(help="After --, the command that is run now.")] = None,
    drill: Annotated[
        Path | None, typer.Option(help="The folder of the drill, which is kept up; by default the one closed last.")
    ] = None,
    witness: Annotated[str, typer.Option(help="What was done; drproof runs nothing then.")] = "",
    at: Annotated[str, typer.Option(help="When it was done, as 2026-11-01T08:00:00.000Z; by default now.")] = "",
    person: Annotated[str, typer.Option(envvar="USER", help="Who does it, or saw it done.")] = "",
    ticket: Annotated[str, typer.Option(help="Where it is recorded elsewhere.")] = "",
    timeout: Annotated[str, typer.Option(help="How long the command may take.")] = "1h",
    run_id: Annotated[str, typer.Option(help="The name of the new bundle.")] = "",
) -> None:
    """Do a phase of the recovery plan by hand, on record: run its equivalent, or state what was done, then look.

    The command is the drill's own caller (AWS_*), has its cluster (KUBECONFIG), and is asked nothing. What came of it
    drproof sees for itself; where it cannot, what rests on it stays unproven. It makes a bundle of its own, which the
    next window builds on. Exit status: 0 done, and its window is proven; 1 not; 2 refused.
    """
    from drproof.engine.manual import ManualRequest, record
    from drproof.formats import durations

    with clear():
        asked = ManualRequest(
            phase=phase,
            command=tuple(command or ()),
            witness=witness,
            person=person,
            ticket=ticket,
            acted_at=at,
            timeout_ms=durations.parse(timeout),
        )
        done = record(asked, drill, run_id=run_id, directory=Path.cwd(), listener=_tell, show=echo_line)
        lines = _lines(done, phase)
    for line in lines:
        echo(line)
    raise typer.Exit(done.conclusion.exit_status)


def _tell(event: str, phase: str, receipt: object) -> None:
    if event == "begin":
        echo(f"drproof: {phase} begins")
    elif event == "end":
        by_hand = " (by hand)" if getattr(receipt, "manual", None) is not None else ""
        echo(f"drproof: {phase} {getattr(receipt, 'outcome', '')}{by_hand}")


def _lines(done: "Recorded", phase: str) -> list[str]:
    from drproof import catalog
    from drproof.cli.looking import opened
    from drproof.report import summary

    conclusion, bundle = done.conclusion, opened(done.directory)
    lines = summary.lines(
        bundle,
        outcome=conclusion.outcome,
        exit_status=conclusion.exit_status,
        still_up=conclusion.still_up,
        directory=done.directory,
        unstored=conclusion.unstored,
        unsealed=conclusion.unsealed,
    )
    passed = {receipt.phase for receipt in bundle.receipts if receipt.passed}
    if phase in passed:
        # What is still to be done begins where the first phase that changes something has not passed.
        left = (one.window for one in catalog.plan(catalog.RECOVERY).phases if one.mutates and one.name not in passed)
        window = next(left, "teardown")
        rehearsal = " --target embedded" if bundle.plan.mode == "rehearsal" else ""
        folder = shlex.quote(str(done.directory))
        lines.append(f"to go on: pytest -m drill --start-at {window} --receipt-dir {folder}{rehearsal}")
    return lines
