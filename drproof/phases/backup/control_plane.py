"""The control plane that belongs to a restore point, read once: its pointer, its bundle, its manifest."""

import hashlib
from collections.abc import Callable, Collection, Iterator

from drproof.formats import archive, control_plane, s3_uri
from drproof.model.capabilities import ObjectStore
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.phases.backup.observed import ControlPlaneSeen, SectionSeen


def read_control_plane(
    objects: ObjectStore, uri: s3_uri.S3Uri, sections: Collection[str], *, redact: Callable[[str], str]
) -> tuple[ControlPlaneSeen, dict[str, str]]:
    """Follow the pointer to the bundle, compare it with its manifest both ways, and return its files' digests too.

    `uri` is that of the restore point, beside which the control plane lies.

    Raises:
        TargetError: the site does not answer, or refuses anything but access.
    """
    try:
        pointer_key = f"{uri.control_plane_prefix}/current.json"
    except FormatError as exc:
        return ControlPlaneSeen(pointer_key="", problem=str(exc)), {}
    try:
        _, data = objects.read(uri.bucket, pointer_key)
        pointer = control_plane.parse_pointer(data)
        bundle = s3_uri.parse(pointer.bundle_uri)
        _, chunks = objects.stream(bundle.bucket, bundle.key)
    except (NotFoundError, FormatError) as exc:
        return ControlPlaneSeen(pointer_key=pointer_key, problem=redact(str(exc).partition("\n")[0])), {}
    except TargetError as exc:
        if exc.code != "AccessDenied":
            raise
        return ControlPlaneSeen(pointer_key=pointer_key, problem=redact(str(exc).partition("\n")[0])), {}
    digest = hashlib.sha256()
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    source = counted()
    problem, files, manifest = _bundle(source)
    for _ in source:
        continue
    listed = {file.path: file.sha256 for file in manifest.files} if manifest else {}
    found = {path: sha256 for path, (sha256, _) in files.items() if path != control_plane.MANIFEST}
    difference = control_plane.compare_both_ways(listed, found)
    seen = ControlPlaneSeen(
        pointer_key=pointer_key,
        problem=redact(problem),
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
        sections=tuple(_section(name, files) for name in sections),
    )
    return seen, found


def _bundle(source: Iterator[bytes]) -> tuple[str, dict[str, tuple[str, int]], control_plane.Manifest | None]:
    """Return the first problem, every file below the root with digest and size, and the manifest."""
    kept: dict[str, bytes] = {}
    files: dict[str, tuple[str, int]] = {}
    problem = ""
    seen: set[str] = set()
    manifest_path = control_plane.ROOT + control_plane.MANIFEST

    def keep(path: str, content: Iterator[bytes]) -> None:
        if path == manifest_path:
            kept[path] = b"".join(content)

    try:
        for member in archive.read(archive.gzip(source), limits=archive.SMALL, sink=keep):
            found = archive.problem_of(member, seen, portable=True)
            if not found and not member.path.startswith(control_plane.ROOT):
                found = f"member outside {control_plane.ROOT}"
            if found:
                problem = problem or f"{found}: {member.path}"
            elif member.kind == "file":
                files[member.path.removeprefix(control_plane.ROOT)] = (member.sha256, member.size)
        if manifest_path not in kept:
            return problem or "the bundle has no manifest", files, None
        return problem, files, control_plane.parse_manifest(kept[manifest_path])
    except FormatError as exc:
        return problem or f"{exc.code}: {exc}", files, None


def _section(name: str, files: dict[str, tuple[str, int]]) -> SectionSeen:
    rows = {path: size for path, (_, size) in files.items() if path.startswith(f"{name}/")}
    return SectionSeen(
        name=name,
        files=len(rows),
        size=sum(rows.values()),
        records=sum(path.rpartition("/")[2] != "registry.json" for path in rows),
    )
