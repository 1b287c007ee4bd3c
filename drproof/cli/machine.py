"""`drproof machine`: whether a state machine of Step Functions is sound before it runs, and our own as a file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.errors import clear, echo_line

if TYPE_CHECKING:
    from drproof.analysis.machine.shapes import Shape
    from drproof.analysis.machine.soundness import Examination

NOT_SOUND = 1
app = typer.Typer(help="State machines of AWS Step Functions.", no_args_is_help=True)


@app.callback()
def machine() -> None:
    """State machines of AWS Step Functions."""


@app.command()
def examine(
    definition: Annotated[Path, typer.Argument(help="The definition: a file in the Amazon States Language.")],
    given: Annotated[
        list[Path] | None, typer.Option("--input", help="A JSON file: an input of an execution. Often, for variants.")
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="STATE=FILE: a JSON file with what the task of a state returns. Often, for variants."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Examine a state machine: its ways, the data on each way, and what it does when something fails.

    Exit status: 0 it is sound, 1 it has defects or a path that nobody could decide, 2 it cannot be read.
    """
    from drproof.analysis.machine.acts import knowledge_of
    from drproof.analysis.machine.flow import Knowledge
    from drproof.analysis.machine.soundness import examine as look
    from drproof.formats import asl

    with clear():
        read = asl.parse(_bytes(definition))
        answers: dict[str, list[Path]] = {}
        for said in answer or ():
            state, sign, file = said.partition("=")
            if not sign or state not in {one.name for one in read.all_states()}:
                msg = f"--answer {said}: expected STATE=FILE with a state of {definition}"
                raise ValueError(msg)
            answers.setdefault(state, []).append(Path(file))
        told = {state: _shape(files) for state, files in answers.items()}
        found = look(read, Knowledge(given=_shape(given or []), answers={**knowledge_of(read).answers, **told}))
    if as_json:
        typer.echo(json.dumps({"sound": _is_sound(found), **asdict(found)}, indent=2, sort_keys=True))
    else:
        _say(found, definition)
    raise typer.Exit(0 if _is_sound(found) else NOT_SOUND)


@app.command(name="print")
def print_() -> None:
    """Print the state machine of a recovery, as it is made from the plan."""
    from drproof.orchestrator import definition

    with clear():
        typer.echo(definition.text(), nl=False)


@app.command()
def write(
    file: Annotated[Path, typer.Argument(help="Where the definition goes.")] = Path("deploy/orchestrator.asl.json"),
) -> None:
    """Write the state machine of a recovery into a file; Terraform takes it from there."""
    from drproof.orchestrator import definition

    with clear():
        text = definition.text()
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as exc:
            msg = f"{file}: cannot be written: {exc.strerror}; expected a file in a folder that exists"
            raise ValueError(msg) from exc
    echo_line(f"{file}: written")


def _is_sound(found: "Examination") -> bool:
    return not found.defects and not found.unknown


def _say(found: "Examination", definition: Path) -> None:
    for defect in found.defects:
        echo_line(str(defect))
    for place in found.unknown:
        echo_line(f"undecided: {place}")
    looked = f"{found.states} states, {found.paths} paths followed"
    if _is_sound(found):
        echo_line(f"{definition}: sound; {looked}")
        return
    echo_line(f"{definition}: {len(found.defects)} defects, {len(found.unknown)} paths undecided; {looked}")
    if found.unknown:
        echo_line("  next: say what stands there with --input FILE and --answer STATE=FILE")


def _shape(files: list[Path]) -> "Shape":
    from drproof.analysis.machine.shapes import join_all, shape_of
    from drproof.formats.strict_json import parse

    return join_all(shape_of(parse(_bytes(file), fractions=True)) for file in files)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        msg = f"{file}: cannot be read: {exc.strerror}"
        raise ValueError(msg) from exc
