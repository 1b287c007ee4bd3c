"""The control plane that belongs to a restore point, read once: its pointer, its bundle, its manifest."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from drproof.formats import archive, control_plane, control_plane_bundle, control_plane_objects, s3_uri
from drproof.formats.control_plane import ControlPlanePointer, Manifest
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.phases.backup.observed import ControlPlaneSeen, ManifestRead, PointerRead, SectionSeen
from drproof.phases.backup.pinned import Pinned

DENIED = "AccessDenied"


def read_control_plane(
    objects: Pinned,
    uri: s3_uri.S3Uri,
    sections: Collection[str],
    *,
    redact: Callable[[str], str],
    count: Callable[[int], None],
) -> tuple[ControlPlaneSeen, dict[str, str]]:
    """Follow the pointer to the bundle, compare it with its manifest both ways, and return its files' digests too.

    `uri` is that of the restore point, beside which the control plane lies; `count` is told the bytes of each chunk.

    Raises:
        TargetError: the site does not answer, or refuses anything but access.
    """
    try:
        pointer_key = f"{uri.control_plane_prefix}/{control_plane.CURRENT}"
    except FormatError as exc:
        return ControlPlaneSeen(pointer_key="", problem=str(exc)), {}
    try:
        _, data = objects.read(uri.bucket, pointer_key)
        pointer = control_plane.parse_pointer(data)
        place = s3_uri.parse(pointer.bundle_uri)
        _, chunks = objects.stream(place.bucket, place.key)
    except (NotFoundError, FormatError) as exc:
        return ControlPlaneSeen(pointer_key=pointer_key, problem=redact(str(exc).partition("\n")[0])), {}
    except TargetError as exc:
        if exc.code != DENIED:
            raise
        return ControlPlaneSeen(pointer_key=pointer_key, problem=redact(str(exc).partition("\n")[0])), {}
    digest = hashlib.sha256()
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            count(len(chunk))
            yield chunk

    source = counted()
    bundle = _Bundle.read(source)
    for _ in source:
        continue
    manifest = bundle.manifest
    listed = {file.path: file.sha256 for file in manifest.files} if manifest else {}
    found = {path: sha256 for path, (sha256, _) in bundle.files.items() if path != control_plane.MANIFEST}
    difference = control_plane.compare_both_ways(listed, found)
    seen = ControlPlaneSeen(
        pointer_key=pointer_key,
        problem=redact(bundle.problem),
        bundle_uri=pointer.bundle_uri,
        pointed_sha256=pointer.bundle_sha256,
        bundle_sha256=digest.hexdigest(),
        bundle_size=size,
        created_at=pointer.created_at,
        image_ref=pointer.image_ref,
        manifest_image_ref=manifest.image_ref if manifest else "",
        listed=len(listed),
        missing=difference.missing,
        extra=difference.extra,
        different=difference.different,
        sections=tuple(bundle.section(name) for name in sections),
        pointer=_beside(objects, uri, pointer, redact),
        manifest=bundle.manifest_read(),
    )
    return seen, found


def _beside(
    objects: Pinned, uri: s3_uri.S3Uri, pointer: ControlPlanePointer, redact: Callable[[str], str]
) -> PointerRead:
    """Return what else the pointer says, and when the newest of the bundles was made that lie where it points."""
    made: list[str] = []
    problem = ""
    try:
        items = objects.list(uri.bucket, f"{uri.control_plane_prefix}/{control_plane.BUNDLES}/")
        made = [created_at for item in items if (created_at := control_plane_bundle.created_at_of(item.key))]
    except TargetError as exc:
        if exc.code != DENIED:
            raise
        problem = redact(str(exc).partition("\n")[0])
    return PointerRead(
        schema_version=pointer.schema_version,
        git_sha=pointer.git_sha,
        bundles=len(made),
        newest_created_at=max(made, default=""),
        listing_problem=problem,
    )


@dataclass(slots=True)
class _Bundle:
    """What one pass over a bundle finds; the first problem is kept, reading goes on where it can."""

    problem: str = ""
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Digest and size by path below the root."""
    versions: dict[str, str] = field(default_factory=dict)
    """What the JSON files directly in a section state as their version."""
    manifest: Manifest | None = None
    _manifest: bytes | None = None

    @classmethod
    def read(cls, source: Iterator[bytes]) -> "_Bundle":
        """Return what a bundle holds."""
        bundle = cls()
        seen: set[str] = set()
        try:
            for member in archive.read(archive.gzip(source), limits=archive.SMALL, sink=bundle._keep):
                found = archive.problem_of(member, seen, portable=True)
                if not found and not member.path.startswith(control_plane.ROOT):
                    found = f"member outside {control_plane.ROOT}"
                if found:
                    bundle.problem = bundle.problem or f"{found}: {member.path}"
                elif member.kind == "file":
                    bundle.files[member.path.removeprefix(control_plane.ROOT)] = (member.sha256, member.size)
            if bundle._manifest is None:
                bundle.problem = bundle.problem or "the bundle has no manifest"
            else:
                bundle.manifest = control_plane.parse_manifest(bundle._manifest)
        except FormatError as exc:
            bundle.problem = bundle.problem or f"{exc.code}: {exc}"
        return bundle

    def _keep(self, path: str, content: Iterator[bytes]) -> None:
        inside = path.removeprefix(control_plane.ROOT)
        if path == control_plane.ROOT + control_plane.MANIFEST:
            self._manifest = b"".join(content)
        elif inside.count("/") == 1 and inside.endswith(".json"):
            data = bytearray()
            for chunk in content:
                data += chunk
                if len(data) > control_plane_objects.MAX_BYTES:
                    return
            # What is no JSON states no version; that it is none, the workload finds out.
            with suppress(FormatError):
                self.versions[inside] = control_plane.stated_version(bytes(data))

    def section(self, name: str) -> SectionSeen:
        """Return what one section holds, and whether a cluster could be given it."""
        rows = {path: size for path, (_, size) in self.files.items() if path.startswith(f"{name}/")}
        map_size, unfit = control_plane_objects.fitting(rows, name)
        listed = self.manifest.schema_versions if self.manifest else {}
        return SectionSeen(
            name=name,
            files=len(rows),
            size=sum(rows.values()),
            records=sum(path.rpartition("/")[2] != control_plane.REGISTRY for path in rows),
            schema_version=self.versions.get(control_plane.version_file(rows, name), ""),
            listed_version=listed.get(control_plane.version_name(name), ""),
            map_size=map_size,
            unfit=unfit,
        )

    def manifest_read(self) -> ManifestRead | None:
        """Return what the manifest says, if there is one that can be read."""
        if self.manifest is None or self._manifest is None:
            return None
        nested = sorted(path for path in self.files if path.endswith(f"/{control_plane.MANIFEST}"))
        listed = {file.path for file in self.manifest.files}
        return ManifestRead(
            sha256=hashlib.sha256(self._manifest).hexdigest(),
            schema_version=self.manifest.schema_version,
            created_at=self.manifest.created_at,
            git_sha=self.manifest.git_sha,
            sections=self.manifest.sections,
            other_size=control_plane_bundle.other_sizes(
                self.manifest, {path: size for path, (_, size) in self.files.items()}
            ),
            nested=tuple(nested),
            nested_listed=tuple(path for path in nested if path in listed),
        )
