"""What reading a restore point observed: the types of its receipt."""

from dataclasses import dataclass

from drproof.model.receipt import Count, Digest
from drproof.phases.backup.beside import BucketSeen, CanarySeen, EncryptedSeen, LookSeen, MembersSeen, PublishedSeen

METADATA = "metadata.json"
NOT_THERE = "the object is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSeen:
    """One object of the restore point beside what the metadata promises; `status` is `ok` or says why not."""

    name: str
    key: str
    status: str
    version: str = ""
    size: Count = 0
    sha256: str = ""
    promised_size: int | None = None
    promised_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSeen:
    """What an archive holds; `problem` is empty when it could be read whole and every member is harmless."""

    name: str
    members: Count = 0
    files: Count = 0
    size: Count = 0
    """Bytes of all its files."""
    manifest_size: Count = 0
    """How many of them are a member manifest: the list of what was backed up is nothing that was backed up."""
    frames: Count = 0
    """zstd frames with content."""
    checksummed_frames: Count = 0
    """How many of them end with a checksum: in the others a flipped bit can pass every tool but the object's digest."""
    window: Count = 0
    """The greatest window of a frame, in bytes: what reading it takes in memory."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSeen:
    """One section of the control plane."""

    name: str
    files: Count
    size: Count
    records: Count
    """Files that are records themselves, the registry of them left out."""
    schema_version: str = ""
    """The version that the section's own file states, as JSON text; empty when it states none."""
    listed_version: str = ""
    """The version that the manifest gives it."""
    map_size: int | None = None
    """The bytes of the ConfigMap that it becomes, keys and values together."""
    unfit: str = ""
    """A path that makes no key of a ConfigMap, or the same one as another; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerRead:
    """What the pointer says beside bundle and digest, and what lies beside the bundle."""

    schema_version: int | None
    git_sha: str
    bundles: Count
    """Bundles whose names say when they were made."""
    newest_created_at: str
    """When the newest of them was made; empty when there is none."""
    listing_problem: str = ""
    """Why they could not be listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRead:
    """What the manifest of a bundle says, beside the files that it lists."""

    sha256: Digest
    schema_version: int | None
    created_at: str
    git_sha: str
    sections: tuple[str, ...]
    other_size: tuple[str, ...]
    """Listed files that are there in another size."""
    nested: tuple[str, ...]
    """Files of the bundle, below its root, that are called `manifest.json` as well."""
    nested_listed: tuple[str, ...]
    """Those of them that the manifest lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneSeen:
    """Pointer, bundle and manifest of the control plane; `problem` says what could not be read."""

    pointer_key: str
    problem: str = ""
    bundle_uri: str = ""
    pointed_sha256: str = ""
    bundle_sha256: str = ""
    bundle_size: Count = 0
    created_at: str = ""
    image_ref: str = ""
    manifest_image_ref: str = ""
    listed: Count = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    sections: tuple[SectionSeen, ...] = ()
    pointer: PointerRead | None = None
    """None when the pointer could not be read."""
    manifest: ManifestRead | None = None
    """None when the bundle could not be read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePointObserved:
    """The restore point as it is; whether that is good enough is for contracts."""

    uri: str
    bucket: str
    prefix: str
    problem: str
    """Why the metadata cannot be read; empty when it can."""
    backup_id: str
    metadata_uri: str
    created_at: str
    objects: tuple[ObjectSeen, ...]
    archives: tuple[ArchiveSeen, ...]
    control_plane: ControlPlaneSeen
    schema_version: int | None = None
    """That of the metadata; None where it has none, and so no promises beyond sizes and digests."""
    looks: tuple[LookSeen, ...] = ()
    """Every object that was read, in the order of its first look."""
    members: tuple[MembersSeen, ...] = ()
    """One for each archive whose members are promised."""
    canary: CanarySeen | None = None
    published: PublishedSeen | None = None
    buckets: tuple[BucketSeen, ...] = ()
    encrypted: EncryptedSeen | None = None
    unread: tuple[str, ...] = ()
    """Artifacts that the metadata promises and that nobody was asked to read."""
