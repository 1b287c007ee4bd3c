"""A fetched bundle as ConfigMaps, and what the reference's summary says of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drproof.cli.control_plane.options import Names
from drproof.engine.refusal import refuse
from drproof.formats import archive, control_plane_bundle, control_plane_objects
from drproof.formats.backup_metadata import SHA256
from drproof.formats.control_plane import MANIFEST, REGISTRY, ROOT
from drproof.formats.control_plane_bundle import MOST_BYTES, Bundle
from drproof.model.cluster import Manifest
from drproof.model.errors import FormatError
from drproof.report.derived_documents import AppliedDocument

MADE_BY: Final = "drproof.io/made-by"
MADE: Final = "control-plane"
BUNDLE_LABEL: Final = "drproof.io/bundle"
CANDIDATES: Final = "candidates"
YAML, SUMMARY = "control-plane.generated.yaml", "apply.summary.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A bundle, and its ConfigMaps for one namespace."""

    bundle: Bundle
    objects: tuple[dict[str, Any], ...]
    folder: Path

    @property
    def yaml(self) -> bytes:
        """The ConfigMaps as YAML."""
        return control_plane_objects.written(self.objects)

    def summary(self, *, namespace: str, generated: str, receipts: str, applied: bool) -> bytes:
        """Return `apply.summary.json`; `applied` says whether the cluster has what is counted here."""
        from drproof.model.codec import encode

        manifest = self.bundle.manifest
        document = AppliedDocument(
            namespace=namespace,
            bundle_dir=str(self.folder),
            manifest_sha256=self.bundle.manifest_sha256,
            bundle_sha256=self.bundle.sha256,
            bundle_created_at=manifest.created_at,
            bundle_git_sha=manifest.git_sha,
            image_ref_digest=manifest.image_ref,
            candidate_count=self._count(CANDIDATES),
            alert_count=self._count("alerts"),
            provider_count=self._count("providers"),
            scoring_count=self._count("scoring"),
            generated_yaml=generated,
            receipt_dir=receipts,
            applied=applied,
        )
        return control_plane_bundle.document(encode(document))

    def _count(self, section: str) -> int:
        """Return how many records a section has; the registry lists the candidates and is none itself."""
        inside = [path for path in self.bundle.files if path.startswith(f"{section}/")]
        return sum(section != CANDIDATES or path.rpartition("/")[2] != REGISTRY for path in inside)


def rendered(folder: Path, *, namespace: str, names: Names) -> Rendered:
    """Return the ConfigMaps of the bundle in a folder: of what its manifest lists, and of nothing else.

    Raises:
        FormatError: the folder is not what its manifest says, or no cluster could be given it.
        Refusal: there is no bundle, or a ConfigMap would be one that switches publishing.
    """
    root = _root(folder)
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in _files(root)}
    bundle = control_plane_bundle.verified(files, sha256=_digest(root, files), sections=names.sections)
    objects = control_plane_objects.render(
        bundle.files,
        sections=names.sections,
        name=names.config_map.replace("{namespace}", namespace),
        namespace=namespace,
        bundle_sha256=bundle.sha256,
        labels={MADE_BY: MADE, BUNDLE_LABEL: bundle.sha256[: control_plane_bundle.SHORT]},
    )
    for one in objects:
        if one["metadata"]["name"] in {names.publishing, f"{namespace}-config"}:
            raise refuse(
                f"a section would become ConfigMap/{one['metadata']['name']}, which switches publishing",
                expected="names of the control plane's own",
                next_step="mend cluster.control_plane_name in drproof.toml",
            )
    return Rendered(bundle=bundle, objects=objects, folder=folder)


def by_name(objects: tuple[Manifest, ...]) -> Mapping[str, Manifest]:
    """Return ConfigMaps by their own names."""
    return {one["metadata"]["name"]: one for one in objects}


def _root(folder: Path) -> Path:
    for inside in ("", ROOT, f"bundle/{ROOT}"):
        if (folder / inside / MANIFEST).is_file():
            return (folder / inside).resolve()
    raise refuse(
        f"--bundle-dir {folder} holds no bundle",
        expected=f"{MANIFEST} in it, in {ROOT} or in bundle/{ROOT}",
        next_step="drproof control-plane fetch --dest-dir <folder> …",
    )


def _files(root: Path) -> list[Path]:
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise FormatError("control-plane-files", f"{path} is no regular file")
        if path.is_file():
            if path.stat().st_size > archive.SMALL.member_bytes:
                raise FormatError("control-plane-size", f"{path} has {path.stat().st_size} bytes")
            found.append(path)
    return found


def _digest(root: Path, files: Mapping[str, bytes]) -> str:
    """Return the digest of the bundle that the files came in; without it, of the one that they would be packed as."""
    beside = root.parent.parent
    said, packed = beside / "bundle.sha256", beside / "bundle.tar.gz"
    if root.name != ROOT.rstrip("/") or not said.is_file():
        return hashlib.sha256(control_plane_bundle.gzip_stored(control_plane_bundle.tar(files))).hexdigest()
    sha256 = (said.read_text(encoding="utf-8").split() or [""])[0]
    with packed.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if not SHA256.fullmatch(sha256) or hashlib.sha256(data).hexdigest() != sha256:
        raise FormatError("control-plane-digest", f"{packed} has not the SHA-256 that {said} says")
    held = control_plane_bundle.members(data)
    if held != files:
        changed = sorted(path for path in held.keys() | files.keys() if held.get(path) != files.get(path))
        raise FormatError("control-plane-files", f"{root} is not what {packed.name} holds: {changed[0]}")
    return sha256
