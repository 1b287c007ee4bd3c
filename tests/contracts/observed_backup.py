"""Restore points other than the one that is drilled: elsewhere, of another account, and encrypted."""

from dataclasses import replace

from drproof.formats import onprem_backup
from drproof.formats.onprem_backup import CHECKSUMS, ENCRYPTED, METADATA
from drproof.model.criteria import Backup
from drproof.phases.backup.beside import BucketSeen, EncryptedFileSeen, EncryptedSeen
from drproof.phases.backup.observed import ControlPlaneSeen, ObjectSeen, RestorePointObserved
from tests.contracts.observed import POINT, PREFLIGHT, sha256

ONPREM_URI = "s3://atlas-backups/atlas/onprem/m4-1"
ONPREM_BACKUP = Backup(uri=ONPREM_URI, objects=onprem_backup.OBJECTS, archives=(), layout="onprem")


def _backup(**changes: str) -> tuple[BucketSeen, ...]:
    backup, published = POINT.buckets
    return replace(backup, **changes), published


def in_region(region: str) -> tuple[BucketSeen, ...]:
    """Return the buckets with that of the restore point in another region."""
    return _backup(region=region)


def with_lock() -> tuple[BucketSeen, ...]:
    """Return the buckets with that of the restore point under Object Lock."""
    return _backup(object_lock="enabled")


def owned_by(account: str) -> tuple[BucketSeen, ...]:
    """Return the bucket of the restore point with another owner, and no other bucket."""
    return _backup(owner=account)[:1]


def _object(name: str) -> ObjectSeen:
    promised = name in ENCRYPTED
    return ObjectSeen(
        name=name,
        key=f"atlas/onprem/m4-1/{name}",
        status="ok",
        version=f"version of {name}",
        size=4096,
        sha256=sha256(name),
        promised_size=4096 if promised else None,
        promised_sha256=sha256(name) if promised else "",
    )


ONPREM = RestorePointObserved(
    uri=ONPREM_URI,
    bucket="atlas-backups",
    prefix="atlas/onprem/m4-1",
    problem="",
    backup_id="m4-1",
    metadata_uri=ONPREM_URI,
    created_at="2026-01-31T11:00:00Z",
    objects=tuple(_object(name) for name in (METADATA, CHECKSUMS, *ENCRYPTED)),
    archives=(),
    control_plane=ControlPlaneSeen(pointer_key="", problem="this layout has none"),
    schema_version=1,
    looks=tuple(replace(POINT.looks[0], uri=f"{ONPREM_URI}/{name}") for name in (METADATA, CHECKSUMS, *ENCRYPTED)),
    encrypted=EncryptedSeen(
        run_id="m4-1",
        db_mode="pg_dump",
        inputs=("/srv/atlas/proof", "/srv/atlas/state"),
        files=tuple(EncryptedFileSeen(name=name, salted=True, listed_sha256=sha256(name)) for name in ENCRYPTED),
        listed=tuple(sorted(ENCRYPTED)),
        promised=tuple(sorted(ENCRYPTED)),
    ),
)
NEEDED_OF_ONPREM = tuple(replace(PREFLIGHT.restore_point[0], name=name) for name in onprem_backup.OBJECTS)
