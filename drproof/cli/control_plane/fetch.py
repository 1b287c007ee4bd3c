"""The command that fetches the control plane, with the options of the reference's script."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import Owner, Profile, Region, World
from drproof.cli.control_plane.options import Account
from drproof.cli.errors import clear, echo

if TYPE_CHECKING:
    from drproof.cli.control_plane.reaching import Way
    from drproof.formats.control_plane_bundle import Bundle

SUMMARY = "fetch.summary.env"
BUNDLE = "bundle.tar.gz"
DIGEST = "bundle.sha256"
FOLDER = "bundle"


def fetch(  # noqa: PLR0913 — the options of the reference's script
    dest_dir: Annotated[Path, typer.Option("--dest-dir", help="Where it is put: a folder that is empty or not there.")],
    bucket: Annotated[str, typer.Option("--bucket", help="The bucket of the control plane.")] = "",
    prefix: Annotated[str, typer.Option("--prefix", help="The prefix below which control-plane/ lies.")] = "",
    bundle_uri: Annotated[str, typer.Option("--bundle-uri", help="A bundle itself, s3://… or a file.")] = "",
    bundle_sha256: Annotated[str, typer.Option("--bundle-sha256", help="The SHA-256 that it must have.")] = "",
    expected_account_id: Account = "",
    bucket_owner: Owner = "",
    region: Region = "",
    profile: Profile = "",
    world: World = "",
) -> None:
    """Fetch the bundle that the pointer names, or one by its SHA-256, and unpack it once all of it is as it must be.

    Exit status: 0 done, 2 refused or failed; then nothing is left.
    """
    from drproof.cli.control_plane import options
    from drproof.cli.control_plane.reaching import Way
    from drproof.formats import control_plane_bundle

    with clear():
        _check(bucket, prefix, bundle_uri, bundle_sha256)
        _refuse_what_is_there(dest_dir)
        way = Way(account=expected_account_id, owner=bucket_owner, region=region, profile=profile, world=world)
        if bundle_uri:
            uri, sha256, pointer = bundle_uri, bundle_sha256, b""
            data = _by_digest(uri, way)
        else:
            uri, sha256, pointer, data = _pointed_to(bucket, prefix, way)
        if (got := hashlib.sha256(data).hexdigest()) != sha256:
            _refuse_bytes(uri, sha256, got)
        bundle = control_plane_bundle.opened(data, sections=options.names().sections)
        if pointer:
            _check_agreement(pointer, bundle)
        summary = _placed(dest_dir, uri, data, bundle, pointer, rehearsal=bool(world))
        if world:
            echo("rehearsal: an embedded world, not AWS")
        echo(f"fetched: {len(bundle.files)} files, each as the manifest lists it")
        echo(summary.decode().rstrip("\n"))


def _check(bucket: str, prefix: str, bundle_uri: str, bundle_sha256: str) -> None:
    from drproof.engine.refusal import refuse
    from drproof.formats.backup_metadata import SHA256

    by_pointer, by_digest = bool(bucket or prefix), bool(bundle_uri or bundle_sha256)
    whole = (bucket and prefix) if by_pointer else (bundle_uri and bundle_sha256)
    if by_pointer is by_digest or not whole:
        raise refuse(
            "it is not said what is fetched",
            expected="--bucket and --prefix, or --bundle-uri and --bundle-sha256",
            next_step="drproof control-plane fetch --bucket <bucket> --prefix <prefix> --dest-dir <folder>",
        )
    if by_digest and not SHA256.fullmatch(bundle_sha256):
        raise refuse("--bundle-sha256 is no SHA-256", expected="64 hex digits, lower case", got=repr(bundle_sha256))


def _refuse_what_is_there(folder: Path) -> None:
    from drproof.engine.refusal import refuse

    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise refuse(
            f"--dest-dir {folder} is there already",
            expected="a folder that is empty or not there: two bundles are never mixed",
            next_step="name another folder",
        )


def _by_digest(uri: str, way: "Way") -> bytes:
    from drproof.formats import s3_uri
    from drproof.formats.control_plane_bundle import MOST_BYTES

    if uri.startswith("s3://"):
        place = s3_uri.parse(uri)
        return way.open().read(place.bucket, place.key, limit=MOST_BYTES)[1]
    with Path(uri.removeprefix("file://")).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _pointed_to(bucket: str, prefix: str, way: "Way") -> tuple[str, str, bytes, bytes]:
    """Return where the bundle is that the pointer names, the digest that it gives, the pointer and the bundle."""
    from drproof.formats import s3_uri
    from drproof.formats.control_plane import CURRENT, SCHEMA_VERSION, parse_pointer
    from drproof.formats.control_plane_bundle import MOST_BYTES
    from drproof.model.errors import FormatError

    here = s3_uri.parse(f"s3://{bucket}/{prefix.strip('/')}/control-plane")
    store = way.open()
    _, said = store.read(here.bucket, here.join(CURRENT))
    pointer = parse_pointer(said)
    if pointer.schema_version != SCHEMA_VERSION:
        problem = f"the pointer has schema_version {pointer.schema_version}, expected {SCHEMA_VERSION}"
        raise FormatError("control-plane-version", problem)
    place = s3_uri.parse(pointer.bundle_uri)
    return pointer.bundle_uri, pointer.bundle_sha256, said, store.read(place.bucket, place.key, limit=MOST_BYTES)[1]


def _check_agreement(said: bytes, bundle: "Bundle") -> None:
    from drproof.formats.control_plane import parse_pointer
    from drproof.model.errors import FormatError

    pointer, manifest = parse_pointer(said), bundle.manifest
    for name in ("created_at", "git_sha", "image_ref"):
        if (got := getattr(pointer, name)) != (expected := getattr(manifest, name)):
            problem = f"the pointer says {name} {got!r}, the manifest of its bundle {expected!r}"
            raise FormatError("control-plane-agreement", problem)


def _refuse_bytes(uri: str, expected: str, got: str) -> None:
    from drproof.model.errors import FormatError

    raise FormatError("control-plane-digest", f"{uri} is not the bundle that was meant: expected {expected}, got {got}")


def _placed(  # noqa: PLR0913 — all that is put in place
    folder: Path, uri: str, data: bytes, bundle: "Bundle", pointer: bytes, *, rehearsal: bool
) -> bytes:
    """Put everything in place at once, and return the summary; whatever fails leaves nothing."""
    from drproof.cli.control_plane.receipts import env
    from drproof.formats.control_plane import CURRENT, ROOT

    folder.parent.mkdir(parents=True, exist_ok=True)
    summary = env(
        {
            "BUNDLE_URI": uri,
            "BUNDLE_SHA256": bundle.sha256,
            "BUNDLE_FILE": str(folder / BUNDLE),
            "BUNDLE_DIR": str(folder / FOLDER),
            # Only where there was one: a name of a file that is not there misleads who reads it.
            **({"POINTER_FILE": str(folder / CURRENT)} if pointer else {}),
            "DEST_DIR": str(folder),
            **({"REHEARSAL": "1"} if rehearsal else {}),
        }
    )
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, content in bundle.files.items():
            file = beside / FOLDER / ROOT / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        (beside / BUNDLE).write_bytes(data)
        (beside / DIGEST).write_text(f"{bundle.sha256}\n", encoding="utf-8")
        (beside / SUMMARY).write_bytes(summary)
        if pointer:
            (beside / CURRENT).write_bytes(pointer)
        beside.chmod(0o755)
        # Over a folder that is empty or not there, and over no other.
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return summary
