"""`drproof release`: what was released, written from commit and registry, verified, and told to people."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from drproof.cli.buckets import World
from drproof.cli.errors import clear, echo

if TYPE_CHECKING:
    from drproof.formats.release_metadata import Release
    from drproof.targets.aws.ecr import AwsImages

NOT_SOUND = 1
REHEARSAL = "rehearsal: the registry of an embedded world, not AWS"
Kind = Literal["product", "major", "milestone"]

app = typer.Typer(help="Metadata and notes of a release: written, verified, checked.", no_args_is_help=True)

Metadata = Annotated[Path, typer.Option(help="The metadata of the release.", envvar="RELEASE_METADATA")]
Profile = Annotated[str, typer.Option(help="A profile of the AWS configuration.", envvar="AWS_PROFILE")]


@app.command()
def write(  # noqa: PLR0913 — one parameter an option
    image: Annotated[str, typer.Option(help="The image with its tag, repository:tag or repository:tag@sha256:….")],
    out: Annotated[Path | None, typer.Option(help="The file to write; release-<tag>.json without it.")] = None,
    source: Annotated[Path, typer.Option(help="The working tree that the image was built from.")] = Path(),
    profile: Profile = "",
    embedded: World = "",
    ci_run_url: Annotated[str, typer.Option(help="The run of CI that built it; GitHub Actions says it itself.")] = "",
    ci_run_id: Annotated[str, typer.Option(help="Its number.")] = "",
    ci_workflow: Annotated[str, typer.Option(help="Its workflow.")] = "",
) -> None:
    """Write the metadata of an image: its digests as the registry has them, its source as git has it."""
    from drproof.engine import releases
    from drproof.engine.clock import SystemClock
    from drproof.formats import release_metadata
    from drproof.formats.image_ref import parse_tagged

    with clear():
        said = {"ci_run_url": ci_run_url, "ci_run_id": ci_run_id, "ci_workflow": ci_workflow}
        ci = {**releases.ci_of(os.environ), **{name: value for name, value in said.items() if value}}
        sha = releases.commit(source)
        images = _registry(parse_tagged(image).repository, profile, embedded)
        release = releases.made(images, image, git_sha=sha, now=SystemClock().now(), ci=ci)
        data = release_metadata.write(release)
        # What was written must be readable by whoever verifies it.
        release_metadata.parse(data)
        place = out or Path(f"release-{release.image_tag}.json")
        with place.open("xb") as file:
            file.write(data)
    if embedded:
        echo(REHEARSAL)
    echo(f"written: {place}")
    echo(release.image_ref_digest)


@app.command()
def verify(  # noqa: PLR0913 — one parameter an option
    metadata: Metadata,
    registry: Annotated[bool, typer.Option("--registry", help="Ask the registry as well.")] = False,
    require_ci_evidence: Annotated[
        bool, typer.Option("--require-ci-evidence", help="Refuse metadata that name no run of CI.")
    ] = False,
    architecture: Annotated[
        list[str] | None, typer.Option(help="An architecture that must be there; can be given again.")
    ] = None,
    profile: Profile = "",
    embedded: World = "",
) -> None:
    """Verify metadata: complete, in themselves consistent, and with --registry what the registry has.

    Exit status: 0 sound, 1 not, 2 unreadable or misused.
    """
    from drproof.engine import releases
    from drproof.formats.release_metadata import parse, without_ci
    from drproof.model.errors import FormatError

    with clear():
        data = metadata.read_bytes()
        try:
            release = parse(data)
        except FormatError as exc:
            echo(f"{metadata}: {exc}")
            raise typer.Exit(NOT_SOUND) from exc
        lacking = [name for name in architecture or () if name not in release.supported_architectures]
        found = [f"there is no image for {name}" for name in lacking]
        if require_ci_evidence and (missing := without_ci(release)):
            found.append(missing)
        if registry:
            found += releases.differences(_registry(release.image_repo, profile, embedded), release)
    for line in found:
        echo(f"{metadata}: {line}")
    if found:
        raise typer.Exit(NOT_SOUND)
    if registry and embedded:
        echo(REHEARSAL)
    echo(f"{metadata}: sound{'' if registry else '; the registry was not asked'}")
    echo(release.image_ref_digest)


@app.command()
def notes(
    metadata: Annotated[
        Path | None, typer.Option(help="The metadata of the release.", envvar="RELEASE_METADATA")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="Which sections they have.")] = "product",
    check: Annotated[Path | None, typer.Option(help="Notes to be checked; nothing is written.")] = None,
) -> None:
    """Print notes with the facts filled in, or check written ones: each blank with its line.

    Exit status: 0 done, 1 the notes are not ready, 2 unreadable or misused.
    """
    from drproof.engine import releases
    from drproof.formats import release_notes

    with clear():
        release: Release | None = releases.read(metadata) if metadata is not None else None
        if check is not None:
            found = release_notes.problems(check.read_text(encoding="utf-8"), kind, release)
        elif release is None:
            msg = "notes are written from metadata\n  next: drproof release notes --metadata release-<tag>.json"
            raise ValueError(msg)
        else:
            typer.echo(release_notes.template(release, kind), nl=False)
            return
    for number, line in found:
        echo(f"{check}:{number}: {line}")
    if found:
        raise typer.Exit(NOT_SOUND)
    echo(f"{check}: ready{'' if release else '; no metadata were compared'}")


def _registry(repository: str, profile: str, world: str) -> "AwsImages":
    """Return the registry of an image, by the operator's own AWS configuration or a world's; nothing is written."""
    from drproof.engine.reaching import Way
    from drproof.engine.refusal import refuse
    from drproof.formats.image_ref import ECR
    from drproof.targets.aws.ecr import AwsImages

    match = ECR.fullmatch(repository)
    if match is None:
        raise refuse(
            f"the repository {repository}",
            expected="one of ECR, whose registry names account and region",
            next_step="--image <account>.dkr.ecr.<region>.amazonaws.com/<name>:<tag>",
        )
    way = Way(region=match["region"], profile=profile, owner=match["account"], world=world)
    session, _ = way.open(repository)
    return AwsImages(lambda region: session.client("ecr", region=region))
