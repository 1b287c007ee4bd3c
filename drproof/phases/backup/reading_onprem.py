"""An encrypted on-prem backup, read once: hashed as it is, and looked at where it speaks in the clear."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from drproof.formats import onprem_backup, s3_uri
from drproof.formats.onprem_backup import CHECKSUMS, ENCRYPTED, METADATA, OnpremMetadata
from drproof.model.errors import AlreadyExistsError, FormatError, NotFoundError
from drproof.phases.backup.beside import OK, EncryptedFileSeen, EncryptedSeen
from drproof.phases.backup.observed import ObjectSeen
from drproof.phases.backup.pinned import Pinned

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnpremRead:
    """What reading an on-prem backup came to."""

    problem: str
    """Why the metadata cannot be read; empty when it can."""
    metadata: OnpremMetadata | None
    objects: tuple[ObjectSeen, ...]
    encrypted: EncryptedSeen


def read_onprem(objects: Pinned, uri: s3_uri.S3Uri, progress: Progress, expect: Progress) -> OnpremRead:
    """Read every byte of an on-prem backup once and hash it; nothing is decrypted."""
    said, problem = _said(objects, uri)
    expect(sum(said.sizes.values()) if said else 0)
    seen: list[ObjectSeen] = []
    beginnings: dict[str, bytes] = {}
    for name in onprem_backup.OBJECTS:
        one, beginnings[name] = _object(objects, uri, name, said, progress)
        seen.append(one)
    listed, unlisted = _checksums(objects, uri)
    encrypted = EncryptedSeen(
        run_id=said.run_id if said else "",
        db_mode=said.db_mode if said else "",
        inputs=tuple(path for _, path in sorted(said.inputs.items())) if said else (),
        files=tuple(
            EncryptedFileSeen(
                name=name,
                salted=beginnings[name].startswith(onprem_backup.SALTED),
                listed_sha256=listed.get(name, ""),
            )
            for name in ENCRYPTED
        ),
        listed=tuple(sorted(listed)),
        promised=tuple(sorted(said.checksums)) if said else (),
        checksums_problem=unlisted,
    )
    return OnpremRead(problem=problem, metadata=said, objects=tuple(seen), encrypted=encrypted)


def _said(objects: Pinned, uri: s3_uri.S3Uri) -> tuple[OnpremMetadata | None, str]:
    try:
        _, data = objects.read(uri.bucket, uri.join(METADATA))
        return onprem_backup.parse_metadata(data), ""
    except NotFoundError:
        return None, "there is no metadata"
    except FormatError as exc:
        return None, exc.code


def _checksums(objects: Pinned, uri: s3_uri.S3Uri) -> tuple[dict[str, str], str]:
    try:
        _, data = objects.read(uri.bucket, uri.join(CHECKSUMS))
        return dict(onprem_backup.parse_checksums(data)), ""
    except (NotFoundError, AlreadyExistsError):
        return {}, "it is not there, or was replaced while it was read"
    except FormatError as exc:
        return {}, exc.code


def _object(
    objects: Pinned, uri: s3_uri.S3Uri, name: str, said: OnpremMetadata | None, progress: Progress
) -> tuple[ObjectSeen, bytes]:
    key = uri.join(name)
    promised_size = said.sizes.get(name) if said else None
    promised = said.checksums.get(name, "") if said else ""
    try:
        info, chunks = objects.stream(uri.bucket, key)
    except (NotFoundError, AlreadyExistsError) as exc:
        status = "not_found" if isinstance(exc, NotFoundError) else "replaced"
        return ObjectSeen(name=name, key=key, status=status, promised_size=promised_size, promised_sha256=promised), b""
    digest, size, beginning = hashlib.sha256(), 0, b""
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if len(beginning) < onprem_backup.HEADER_BYTES:
            beginning += chunk[: onprem_backup.HEADER_BYTES]
        progress(len(chunk))
    seen = ObjectSeen(
        name=name,
        key=key,
        status=OK,
        version=info.version,
        size=size,
        sha256=digest.hexdigest(),
        promised_size=promised_size,
        promised_sha256=promised,
    )
    return seen, beginning
