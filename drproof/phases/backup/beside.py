"""What reading a restore point observes beside its bytes: versions, promises, places, and what it is compared with."""

from dataclasses import dataclass

from drproof.model.receipt import Count, Digest

OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSeen:
    """One object as it was when it was first looked at, and as it was when everything had been read."""

    uri: str
    version: str
    """Empty where the bucket keeps no versions: the other three then say whether it is the same object."""
    etag: str
    size: Count
    modified_at: str
    status_after: str
    """`ok`, or why it could not be looked at again."""
    version_after: str = ""
    etag_after: str = ""
    size_after: Count = 0
    modified_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersSeen:
    """The member manifest of one archive beside what the archive holds; `problem` says why it cannot be compared."""

    archive: str
    inside: bool
    """Whether the manifest is a member of its archive, and so lists every file but itself."""
    uri: str
    """Where the manifest lies; that of the archive when it is inside."""
    promised_sha256: Digest
    sha256: str = ""
    problem: str = ""
    listed: Count = 0
    missing: Count = 0
    extra: Count = 0
    different: Count = 0
    examples: tuple[str, ...] = ()
    """The first paths that are missing, extra or different."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySeen:
    """The record that the metadata promises, beside the member of its name."""

    path: str
    promised_sha256: Digest
    sha256: str
    """Empty when there is no such member."""
    written_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSeen:
    """The run that the original site published last: how many objects, and how many bytes they come to."""

    uri: str
    """Where its files lie; empty when no pointer names a run."""
    run_id: str = ""
    objects: Count = 0
    size: Count = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSeen:
    """A bucket as a failure domain; what the platform did not tell is the code of its refusal."""

    role: str
    """`backup`, or `published` for where the original site publishes."""
    name: str
    status: str
    owner: str = ""
    region: str = ""
    versioning: str = ""
    object_lock: str = ""
    replication: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedFileSeen:
    """An encrypted file of an on-prem backup, as far as it can be seen without the key."""

    name: str
    salted: bool
    """Whether it begins as `openssl enc` begins what it encrypts under a passphrase."""
    listed_sha256: str
    """What `checksums.json` says; empty when it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedSeen:
    """What an on-prem backup says of itself in the clear."""

    run_id: str
    db_mode: str
    inputs: tuple[str, ...]
    """Paths of the machine that was backed up, which mean nothing anywhere else."""
    files: tuple[EncryptedFileSeen, ...]
    listed: tuple[str, ...]
    """The files that `checksums.json` names."""
    promised: tuple[str, ...]
    """The files that the metadata names."""
    checksums_problem: str = ""
