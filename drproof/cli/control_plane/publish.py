"""The command that publishes the control plane, with the options of the reference's script."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import Owner, Profile, Region, World
from drproof.cli.control_plane.options import Account, ReceiptFolder
from drproof.cli.errors import clear, echo

if TYPE_CHECKING:
    from drproof.cli.control_plane.publishing import Published, Release
    from drproof.cli.control_plane.receipts import Receipts
    from drproof.cli.control_plane.sources import Source
    from drproof.formats.control_plane_bundle import Content

EPOCH = "SOURCE_DATE_EPOCH"
LATEST = 253402300799
"""The last second of the year 9999: later ones have no compact form."""


def publish(  # noqa: PLR0913 — the options of the reference's script
    bucket: Annotated[str, typer.Option("--bucket", help="The bucket of the control plane.")],
    prefix: Annotated[str, typer.Option("--prefix", help="The prefix below which control-plane/ lies.")],
    image_ref_digest: Annotated[
        str,
        typer.Option(
            "--image-ref-digest", envvar="IMAGE_REF_DIGEST", help="The image that the settings are for, by its digest."
        ),
    ],
    source_dir: Annotated[
        Path | None, typer.Option("--source-dir", help="A folder laid out by sections; else the workload's own files.")
    ] = None,
    receipt_dir: ReceiptFolder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make bundle and receipts; ask nobody, publish nothing.")
    ] = False,
    allow_rollback: Annotated[
        str, typer.Option("--allow-rollback", metavar="REASON", help="Why a newer bundle may be left behind.")
    ] = "",
    expected_account_id: Account = "",
    bucket_owner: Owner = "",
    region: Region = "",
    profile: Profile = "",
    world: World = "",
) -> None:
    """Publish the settings of the workload as one bundle, and let the pointer name it.

    The same content is the same bundle, whenever and wherever it is published: it is dated by SOURCE_DATE_EPOCH, or by
    the commit that last changed its files. Exit status: 0 done or as it was, 2 refused or failed.
    """
    from drproof.cli.control_plane import options, publishing, sources
    from drproof.cli.control_plane.reaching import Way
    from drproof.cli.control_plane.receipts import Receipts
    from drproof.formats import control_plane_bundle, s3_uri

    with clear():
        sections = options.names().sections
        place = s3_uri.parse(f"s3://{bucket}/{prefix.strip('/')}/control-plane")
        source = sources.of_folder(source_dir) if source_dir is not None else sources.of_workload(Path.cwd())
        content = _content(source, sections, image_ref_digest)
        manifest, bundle = control_plane_bundle.packed(content)
        release = publishing.Release(
            content=content, manifest=manifest, bundle=bundle, bucket=place.bucket, prefix=place.key
        )
        way = Way(account=expected_account_id, owner=bucket_owner, region=region, profile=profile, world=world)
        store = None if dry_run else way.open()
        receipts = Receipts(receipt_dir)
        kept = _before(receipts, release)
        try:
            done = (
                publishing.publish(store, release, repository=source.root, rollback=allow_rollback)
                if store is not None
                else None
            )
        except BaseException:
            # They tell of nothing that was done, and would stand in the way of the command that the error names.
            receipts.take_back()
            raise
        told = _after(receipts, release, kept, done, reason=allow_rollback, rehearsal=bool(world))
        if world:
            echo("rehearsal: an embedded world, not AWS")
        echo(_said(done))
        echo(told.decode().rstrip("\n"))


def _content(source: "Source", sections: tuple[str, ...], image_ref: str) -> "Content":
    from drproof.cli.control_plane.commits import last_commit
    from drproof.engine.refusal import refuse
    from drproof.formats import image_ref as images
    from drproof.formats.control_plane_bundle import Content, instant

    if images.PINNED.fullmatch(image_ref) is None:
        raise refuse(
            "the image is not pinned by digest",
            expected="--image-ref-digest <repository>@sha256:<64 hex digits>, or IMAGE_REF_DIGEST",
            got=repr(image_ref),
            next_step="ask the registry for the digest of the tag, and name that",
        )
    commit = last_commit(source.root, source.read)
    epoch = os.environ.get(EPOCH)
    if epoch is None and not commit.sha:
        raise refuse(
            f"nothing says when this content was made: {commit.reason}",
            expected=f"files that are committed, or {EPOCH}: a bundle is dated by its content, not by the clock",
            next_step=f"commit the files, or {EPOCH}=<seconds since 1970> drproof control-plane publish …",
        )
    if epoch is not None and not (epoch.isascii() and epoch.isdigit() and int(epoch) <= LATEST):
        raise refuse(
            f"{EPOCH} is {epoch!r}", expected="whole seconds since 1970", next_step=f"mend {EPOCH}, or unset it"
        )
    return Content(
        files=source.files,
        sections=sections,
        created_at=instant(int(epoch) if epoch is not None else commit.seconds),
        git_sha=commit.sha,
        image_ref=image_ref,
    )


def _before(receipts: "Receipts", release: "Release") -> tuple[str, str]:
    """Write what will be published, so that a folder that cannot be written to is found before anything is."""
    from drproof.formats.control_plane import MANIFEST

    name = f"control-plane-bundle-{release.key.rpartition('/')[2]}"
    return receipts.write(MANIFEST, release.manifest), receipts.write(name, release.bundle)


def _after(  # noqa: PLR0913 — all that a summary tells of
    receipts: "Receipts",
    release: "Release",
    kept: tuple[str, str],
    done: "Published | None",
    *,
    reason: str,
    rehearsal: bool,
) -> bytes:
    from drproof.cli.control_plane.receipts import env
    from drproof.formats.control_plane import CURRENT

    receipts.write(CURRENT, release.pointer)
    receipts.write("bundle.sha256", f"{release.sha256}\n".encode())
    manifest, bundle = kept
    values = {
        "BUNDLE_URI": release.uri(release.key),
        "BUNDLE_SHA256": release.sha256,
        "CURRENT_URI": release.uri(release.pointer_key),
        "MANIFEST_PATH": manifest,
        "BUNDLE_FILE": bundle,
        "DRY_RUN": "1" if done is None else "0",
        "RECEIPT_DIR": str(receipts.directory or ""),
    }
    if done is not None:
        # Beyond the reference's keys: what was really written.
        values["BUNDLE_MADE"] = "1" if done.bundle_made else "0"
        values["POINTER_MOVED"] = "1" if done.pointer_moved else "0"
    if reason.strip():
        values["ROLLBACK_REASON"] = reason.strip()
    if rehearsal:
        values["REHEARSAL"] = "1"
    summary = env(values)
    receipts.write("publish.summary.env", summary)
    return summary


def _said(done: "Published | None") -> str:
    if done is None:
        return "dry run: nothing was asked, nothing was published"
    if not done.bundle_made and not done.pointer_moved:
        return "unchanged: this content is published already, and is what the pointer names"
    if not done.pointer_moved:
        return "mended: the pointer named this bundle already, and it was not there"
    return "published: the pointer names it now"
