"""`drproof compare-inventories`: two prefixes compared by what S3 Inventory says of them, whatever their size."""

import re
from pathlib import Path
from typing import Annotated

import typer

MEMORY = re.compile(r"[0-9]+(\.[0-9]+)? ?[KMGT]?i?B", re.ASCII | re.IGNORECASE)
Manifest = Annotated[Path, typer.Argument(help="The manifest.json of an inventory, in a copy of its folder.")]


def compare_inventories(  # noqa: PLR0913 — two places, and what is told
    left: Manifest,
    right: Manifest,
    prefix_left: Annotated[str, typer.Option(help="Compare what lies below this prefix on the left.")] = "",
    prefix_right: Annotated[str, typer.Option(help="Compare what lies below this prefix on the right.")] = "",
    show_sql: Annotated[
        bool, typer.Option("--show-sql", help="Print the statements for Athena, and compare nothing.")
    ] = False,
    memory: Annotated[str, typer.Option(help="How much memory the join may take; the rest goes to disk.")] = "512MB",
    scratch: Annotated[Path | None, typer.Option(help="Where what memory does not hold goes; a folder.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every difference here, one JSON object a line; - for stdout.")
    ] = None,
    max_differences: Annotated[
        int, typer.Option(min=0, help="How many differences are printed; all are counted.")
    ] = 20,
) -> None:
    """Compare two inventories of S3, in CSV or Parquet; nothing is asked of S3 itself.

    Exit status: 0 equal, 1 different, 2 misused or not an inventory, 3 nothing different and something undecided.
    """
    import tempfile

    from drproof.cli.comparing import UNDECIDED, Report
    from drproof.cli.errors import clear, complain, echo
    from drproof.engine.refusal import refuse
    from drproof.model.errors import DrproofError
    from drproof.report.visible import printable
    from drproof.targets.inventory import InventoryComparison, opened, statements

    with clear():
        if MEMORY.fullmatch(memory) is None:
            # What DuckDB says of it would look like a comparison that did not end.
            raise refuse(f"--memory {memory}", expected="a number and B, KB, MB, GB or TB", next_step="--memory 512MB")
        sides = opened(left), opened(right)
        if sides[0].manifest == sides[1].manifest and prefix_left == prefix_right:
            raise refuse(
                f"both sides are the inventory {left}" + (f", {prefix_left}" if prefix_left else ""),
                expected="two places: an inventory compared with itself shows nothing",
                next_step="name the manifest.json of the other bucket's inventory",
            )
        if show_sql:
            typer.echo(printable(statements(*sides, prefix_left, prefix_right), lines=True))
            return
        report = Report.to(json_file, most=max_differences)
    names = [
        f"s3://{side.manifest.bucket}/{prefix} (inventory of {side.taken or side.manifest.created_ms})"
        for side, prefix in zip(sides, (prefix_left, prefix_right), strict=True)
    ]
    # What cannot be written is no difference, which an error without an end of its own would say by its status.
    with clear(), report, tempfile.TemporaryDirectory(dir=scratch) as folder:
        comparison = InventoryComparison(*sides, prefix_left, prefix_right, scratch=Path(folder), memory=memory)
        try:
            for found in comparison:
                report.add(found)
        except DrproofError as exc:
            complain(exc)
            echo(f"not compared: {names[0]} and {names[1]}")
            raise typer.Exit(UNDECIDED) from exc
        raise typer.Exit(report.end(comparison.tally, *names))
