"""`drproof compare`: whether two runs of the same input came to the same."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import Json, Owner, Profile, Region, World, buckets, files_below, told
from drproof.cli.errors import MISUSED, echo_line

if TYPE_CHECKING:
    from drproof.analysis.run_comparison import RunComparison
    from drproof.phases.published.reading import Side

DIFFERENT = 1


def compare(  # noqa: PLR0913 — the options of the reference's script, and how a bucket is reached
    left: Annotated[str, typer.Argument(help="A run: a folder, or s3://bucket/prefix/runs/<run_id>.")],
    right: Annotated[str, typer.Argument(help="The other run.")],
    allow_run_id_drift: Annotated[
        bool, typer.Option("--allow-run-id-drift", help="The runs may have different ids.")
    ] = False,
    as_json: Json = False,
    region: Region = "",
    profile: Profile = "",
    expected_bucket_owner: Owner = "",
    embedded: World = "",
) -> None:
    """Compare two runs file by file, and list every difference.

    Exit status: 0 they match, 1 they differ, 2 one of them cannot be loaded.
    """
    from drproof.analysis.run_comparison import compare_runs
    from drproof.phases.published.reading import in_store, load

    def side(named: str) -> "Side":
        if not named.startswith("s3://"):
            return _folder(Path(named))
        from drproof.formats import s3_uri

        uri = s3_uri.parse(named)
        return in_store(buckets(region=region, profile=profile, owner=expected_bucket_owner, world=embedded), uri)

    with told(MISUSED):
        if _place(left) == _place(right):
            msg = f"{left} is the same run as {right}: expected two, for a run always matches itself"
            raise ValueError(msg)
        ours, theirs = load(side(left)), load(side(right))
        found = compare_runs(ours, theirs, allow_run_id_drift=allow_run_id_drift)
    if as_json:
        typer.echo(json.dumps({"matched": found.matched, **asdict(found)}, indent=2, sort_keys=True))
    else:
        _say(found, left, right)
    raise typer.Exit(0 if found.matched else DIFFERENT)


def _say(found: "RunComparison", left: str, right: str) -> None:
    if found.matched:
        echo_line("PASS: dual-run deterministic comparison matched")
        echo_line(f"left_run_dir={left}")
        echo_line(f"right_run_dir={right}")
        echo_line(f"allow_run_id_drift={found.allow_run_id_drift}")
    else:
        echo_line("FAIL: dual-run deterministic comparison failed")
        for difference in found.differences:
            echo_line(f"- {difference}")
        if found.count > len(found.differences):
            echo_line(f"{found.count - len(found.differences)} more differences are counted and not shown")
    echo_line(f"compared: {', '.join(found.compared)} (rules {found.rules_version})")
    if found.not_compared:
        echo_line(f"not compared, for no summary names them: {', '.join(found.not_compared)}")


def _place(named: str) -> str:
    """Return where a run lies, in the one way that all its names have in common."""
    from drproof.formats import s3_uri

    return str(s3_uri.parse(named)) if named.startswith("s3://") else str(Path(named).resolve())


def _folder(folder: Path) -> "Side":
    from drproof.phases.published.reading import Side

    return Side(str(folder), files_below(folder), lambda name: (folder / name).read_bytes())
