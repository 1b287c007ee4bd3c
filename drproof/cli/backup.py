"""`drproof backup create`: a restore point in the layout that drills recover from."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import Endpoint, World
from drproof.cli.errors import clear, echo

if TYPE_CHECKING:
    from drproof.engine.reaching import Way
    from drproof.engine.restore_points import Made, Wanted

SUMMARY = "backup.summary.json"

app = typer.Typer(help="Restore points.", no_args_is_help=True)


@app.callback()
def backup() -> None:
    """Restore points."""


@app.command()
def create(  # noqa: PLR0913 — what a restore point is made of
    archive: Annotated[
        list[str],
        typer.Option(
            "--archive",
            metavar="NAME=FOLDER",
            help="What goes into an archive, such as state.tar.zst=./state; once for each archive.",
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="Where restore points lie: s3://bucket/prefix/backups/.")],
    backup_id: Annotated[str, typer.Option(help="Its name there; by default backup-<instant>.")] = "",
    created_at: Annotated[str, typer.Option(help="Its instant, RFC 3339 in UTC; by default now.")] = "",
    canary: Annotated[
        str,
        typer.Option(help="ARCHIVE/PATH of the record that a restore is tried by; written where the folder has none."),
    ] = "",
    level: Annotated[int, typer.Option(min=1, max=19, help="How hard zstd tries.")] = 3,
    bucket_owner: Annotated[
        str | None,
        typer.Option("--bucket-owner", "--owner", help="The account that owns the bucket; else that of the site."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The region of the bucket; that of the site, or AWS_REGION, without it.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the AWS configuration; else the setting's.")] = None,
    embedded: World = "",
    endpoint: Endpoint = "",
    into: Annotated[
        Path | None, typer.Option(help="A folder in which the packed files stay; they need the room of the archives.")
    ] = None,
    receipt_dir: Annotated[Path | None, typer.Option(help="Where the summary is written.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Pack, and upload nothing.")] = False,
) -> None:
    """Pack folders, upload them with their metadata last, and read every byte back.

    The same files, id and instant give the same bytes. Exit status: 0 made and read back, 2 refused or failed.
    """
    from drproof.engine import restore_points
    from drproof.engine.clock import SystemClock
    from drproof.engine.reaching import Way
    from drproof.engine.refusal import refuse
    from drproof.formats import timestamps

    with clear():
        moment = created_at or SystemClock().now()
        if not moment.endswith("Z"):
            raise refuse(
                f"--created-at {moment}", expected="RFC 3339 in UTC", next_step="--created-at 2026-01-31T12:00:00Z"
            )
        name = backup_id or f"backup-{timestamps.parse(moment):%Y%m%dT%H%M%SZ}"
        wanted = restore_points.Wanted(
            uri=f"{to.rstrip('/')}/{name}",
            created_at=moment,
            folders=_folders(archive),
            canary=canary,
            level=level,
        )
        _refuse_half(wanted, Path.cwd())
        _refuse_unread(wanted, Path.cwd())
        _refuse_what_is_there(into, (*wanted.folders, "metadata.json"), "--into")
        _refuse_what_is_there(receipt_dir, (SUMMARY,), "--receipt-dir")
        with restore_points.scratch() as private:
            place = into or Path(private)
            place.mkdir(parents=True, exist_ok=True)
            made = restore_points.pack_point(wanted, place)
            if not dry_run:
                way = Way(
                    region=region,
                    profile=profile,
                    owner=bucket_owner,
                    world=embedded,
                    endpoint=endpoint,
                    site="primary",
                    read_only=False,
                )
                made = _upload(made, place, wanted, Path(private), way)
        if receipt_dir is not None:
            receipt_dir.mkdir(parents=True, exist_ok=True)
            (receipt_dir / SUMMARY).write_bytes(restore_points.summary_of(made, verified=not dry_run))
    for packed in made.archives:
        echo(f"{packed.name}: {len(packed.members)} files, {packed.size} bytes, sha256 {packed.sha256}")
    if dry_run:
        echo(f"nothing was uploaded to {wanted.uri}")
        return
    echo(f"made and read back: {wanted.uri}")
    echo(f"  next: pytest -m backup-check --backup-uri {wanted.uri}")


def _refuse_half(wanted: "Wanted", directory: Path) -> None:
    """Refuse a restore point that lacks an archive of which restore points here consist."""
    from drproof.engine.refusal import refuse
    from drproof.engine.settings import setting

    # Whoever restores looks for all of them: one that was forgotten would be found out on the day of the recovery.
    lacking = [name for name in setting("backup.archives", {}, os.environ, directory) if name not in wanted.folders]
    if lacking:
        raise refuse(
            f"the restore point would have no {', '.join(lacking)}",
            expected="every archive of backup.archives in drproof.toml, by default state.tar.zst and manifests.tar.zst",
            got=", ".join(wanted.folders),
            next_step=f"add --archive {lacking[0]}=<folder>, or name in backup.archives what yours consist of",
        )


def _refuse_unread(wanted: "Wanted", directory: Path) -> None:
    """Refuse an archive that would be promised and that no check here would read, and no restore."""
    from drproof.engine.refusal import refuse
    from drproof.engine.settings import setting

    lists = {name: setting(name, {}, os.environ, directory) for name in ("backup.objects", "backup.archives")}
    for name in wanted.folders:
        lacking = [said for said, names in lists.items() if name not in names]
        if lacking:
            raise refuse(
                f"{name} would be read by nobody: {' and '.join(lacking)} in drproof.toml do not name it",
                expected=f"archives of which restore points here consist: {', '.join(lists['backup.archives'])}",
                got=name,
                next_step=f"name it in {' and '.join(lacking)}, or leave out --archive {name}=…",
            )


def _refuse_what_is_there(folder: Path | None, names: tuple[str, ...], option: str) -> None:
    """Refuse a folder in which something would be written over, before anything is packed."""
    from drproof.engine.refusal import refuse

    held = [name for name in names if folder is not None and (folder / name).exists()]
    if held:
        raise refuse(
            f"{option} {folder} holds {held[0]} already",
            expected="a folder without it: nothing is written over",
            next_step=f"{option} <another folder>",
        )


def _folders(words: list[str]) -> dict[str, Path]:
    """Return the folder of each archive."""
    from drproof.engine.refusal import refuse

    found: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not equals or not folder or not name.endswith(".tar.zst") or "/" in name or name in found:
            raise refuse(
                f"--archive {word}",
                expected="NAME.tar.zst=FOLDER, each name once",
                next_step="--archive state.tar.zst=./state --archive manifests.tar.zst=./manifests",
            )
        found[name] = Path(folder)
    return found


def _upload(made: "Made", place: Path, wanted: "Wanted", private: Path, way: "Way") -> "Made":
    from drproof.engine import restore_points
    from drproof.engine.effects import JournalledEffects
    from drproof.evidence.journal import Journal
    from drproof.formats import s3_uri
    from drproof.targets.aws.s3 import AwsObjectStore
    from drproof.targets.aws.s3_uploads import AwsUploads

    session, account = way.open(s3_uri.parse(wanted.uri).bucket)
    client = session.client("s3")
    objects = AwsObjectStore(client, owner=account)
    with Journal(private / "journal.log") as journal:
        effects = JournalledEffects(journal, drill_id=made.metadata.backup_id, phase="backup-create")
        uploads = AwsUploads(client, owner=account)
        made = restore_points.upload_point(made, place, objects=objects, uploads=uploads, effects=effects)
    echo(f"uploaded to {wanted.uri}; reading it back")
    restore_points.verify_point(made, objects=objects)
    return made
