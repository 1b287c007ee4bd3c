"""The control plane of the original site: a bundle of its settings, the manifest in it, and the pointer to it."""

import gzip
import hashlib
import io
import tarfile
from datetime import datetime, timedelta

from drproof.embedded.site.store import Buckets, pretty, stamp
from drproof.embedded.world import World

CREATED_BEFORE = timedelta(hours=4)
LATER = timedelta(hours=1)
SECTIONS = ("candidates", "alerts", "providers", "scoring")
ROOT = "control-plane"
SHORT = 12


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Write bundle and pointer, and return where the bundle lies and its digest."""
    at = now - CREATED_BEFORE
    names = world.names
    created, git = stamp(at), hashlib.sha1(f"{world.seed} source".encode()).hexdigest()  # noqa: S324 — a git id is one
    files = _files(world)
    manifest = {
        "schema_version": 1,
        "created_at": created,
        "git_sha": git,
        "image_ref_digest": names.image_ref,
        "supported_sections": list(SECTIONS),
        "schema_versions": {"candidate_registry": 1, "alerts": 1, "providers": 1, "scoring": 1},
        "files": [
            {"path": path, "sha256": hashlib.sha256(files[path]).hexdigest(), "bytes": len(files[path])}
            for path in sorted(files)
        ],
    }
    if world.scenario == "manifest-extra-file":
        files["alerts/unlisted.json"] = pretty({"schema_version": 1, "alerts": []})
    bundle = _packed(files | {"manifest.json": pretty(manifest)})
    digest = hashlib.sha256(bundle).hexdigest()
    key = f"{names.control_plane_prefix}/bundles/{created}-{digest[:SHORT]}.tar.gz"
    claimed = hashlib.sha256(b"another bundle").hexdigest() if world.scenario == "bundle-hash-mismatch" else digest
    current = f"{names.control_plane_prefix}/current.json"
    bundle_uri = f"s3://{names.backup_bucket}/{key}"
    pointer = {
        "schema_version": 1,
        "current_uri": f"s3://{names.backup_bucket}/{current}",
        "bundle_uri": bundle_uri,
        "bundle_sha256": claimed,
        "created_at": created,
        "git_sha": git,
        "image_ref_digest": names.image_ref,
    }
    buckets.put(names.backup_bucket, key, bundle, at)
    if world.scenario == "control-plane-turned-back":
        later = at + LATER
        newer = f"{names.control_plane_prefix}/bundles/{stamp(later)}-{digest[:SHORT]}.tar.gz"
        buckets.put(names.backup_bucket, newer, bundle, later)
    buckets.put(names.backup_bucket, current, pretty(pointer), at)
    return {"bundle_uri": bundle_uri, "bundle_sha256": digest}


def _files(world: World) -> dict[str, bytes]:
    names = world.names
    candidate = names.candidate
    profile = f"candidates/{candidate}/candidate_profile.json"
    return {
        "candidates/registry.json": pretty(
            {"schema_version": 1, "candidates": [{"candidate_id": candidate, "profile_path": profile}]}
        ),
        profile: pretty({"schema_version": 1, "candidate_id": candidate, "interests": ["reliability", "recovery"]}),
        "alerts/alerts.json": pretty({"schema_version": 1, "alerts": [{"name": name} for name in names.alarms]}),
        "providers/providers.json": pretty({"schema_version": 1, "providers": [{"provider_id": names.provider}]}),
        "scoring/scoring.v1.json": pretty({"version": 1, "weights": {"freshness": 3, "fit": 7}}),
    }


def _packed(files: dict[str, bytes]) -> bytes:
    """Return files as a bundle; the same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            entry = tarfile.TarInfo(f"{ROOT}/{path}")
            entry.size = len(files[path])
            archive.addfile(entry, io.BytesIO(files[path]))
    packed = io.BytesIO()
    # `gzip.compress` writes another header in each version of Python.
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(plain.getvalue())
    return packed.getvalue()
