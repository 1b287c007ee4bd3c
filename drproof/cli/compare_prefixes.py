"""`drproof compare-prefixes`: whether two prefixes of S3 hold the same objects, and which they do not."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from drproof.cli.buckets import Endpoint, World

EQUAL, DIFFERENT, UNDECIDED = 0, 1, 3
Prefix = Annotated[str, typer.Argument(help="s3://bucket/prefix/, exactly as far as keys are to be compared.")]


def compare_prefixes(  # noqa: PLR0913 — two places, and how they are asked
    left: Prefix,
    right: Prefix,
    owner_left: Annotated[
        str | None,
        typer.Option(
            "--bucket-owner-left",
            "--owner-left",
            help="The account that owns the left bucket; by default that of the original site.",
        ),
    ] = None,
    owner_right: Annotated[
        str | None,
        typer.Option(
            "--bucket-owner-right",
            "--owner-right",
            help="The account that owns the right bucket; by default that of the recovery site.",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The region of both; AWS_REGION or the sites' without it.")] = None,
    region_left: Annotated[str | None, typer.Option(help="The region of the left bucket.")] = None,
    region_right: Annotated[str | None, typer.Option(help="The region of the right bucket.")] = None,
    profile: Annotated[str | None, typer.Option(help="The AWS profile that may list and read both.")] = None,
    embedded: World = "",
    endpoint: Endpoint = "",
    shards: Annotated[int, typer.Option(min=1, max=64, help="How many ranges of keys are listed at once.")] = 8,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="How many processes compare; by default one a processor, at most 4, and 1 where there is no Linux.",
        ),
    ] = None,
    read: Annotated[
        Literal["auto", "never", "always"],
        typer.Option(help="Which objects of one size are read: those in doubt, none, or all."),
    ] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every difference here, one JSON object a line; - for stdout.")
    ] = None,
    max_differences: Annotated[
        int, typer.Option(min=0, help="How many differences are printed; all are counted.")
    ] = 20,
) -> None:
    """Compare two prefixes: both are listed, and only objects whose ETags leave their content in doubt are read.

    Exit status: 0 equal, 1 different, 2 misused, 3 not answered, or nothing different and something undecided.
    """
    from drproof.cli.comparing import UNDECIDED, Report
    from drproof.cli.errors import clear, complain, echo
    from drproof.engine.comparing import Asked, open_pair
    from drproof.engine.key_ranges_apart import processes_here
    from drproof.engine.prefixes import Comparison
    from drproof.engine.reaching import Way
    from drproof.model.errors import DrproofError

    # Whose settings hold where an option says nothing: what was, and what took over.
    ways = (
        Way(site="primary", side="-left", owner=owner_left, region=region_left or region),
        Way(site="recovery", side="-right", owner=owner_right, region=region_right or region),
    )
    asked = [
        Asked(uri=uri, way=replace(way, profile=profile, world=embedded, endpoint=endpoint))
        for uri, way in zip((left, right), ways, strict=True)
    ]
    with clear():
        pair = open_pair(*asked, connections=4 * shards)
        comparison = Comparison(*pair, shards=shards, read=read, processes=processes or processes_here())
        report = Report.to(json_file, most=max_differences)
    # What cannot be written is no difference, which an error without an end of its own would say by its status.
    with clear(), report:
        try:
            for found in comparison:
                report.add(found)
        except DrproofError as exc:
            complain(exc)
            echo(f"not compared: {left} and {right}")
            raise typer.Exit(UNDECIDED) from exc
        raise typer.Exit(report.end(comparison.tally, left, right, sent=[one.bucket.sent for one in pair]))
