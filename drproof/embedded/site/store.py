"""Puts generated objects into the buckets of the world, dated as if they had been written when they say."""

import json
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import s3_backends

from drproof.embedded.world import World

ENCRYPTION = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}}
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class Buckets:
    """The buckets of both accounts."""

    def __init__(self, world: World) -> None:
        self._primary = s3_backends[world.primary.account_id]["aws"]
        self._recovery = s3_backends[world.recovery.account_id]["aws"]
        names = world.names
        # What backs the original site up lies in another region, where it outlives the first.
        close = world.scenario in {"backup-in-the-primary-region", "preflight-same-failure-domain"}
        away = world.primary.region if close else world.recovery.region
        for backend, region, buckets in (
            (self._primary, world.primary.region, (names.bucket,)),
            (self._primary, away, (names.backup_bucket,)),
            (self._recovery, world.recovery.region, (names.recovery_bucket, names.state_bucket)),
        ):
            for bucket in dict.fromkeys(buckets):
                backend.create_bucket(bucket, region)
                if (world.scenario, bucket) != ("backup-without-versions", names.backup_bucket):
                    backend.put_bucket_versioning(bucket, "Enabled")
                # A bucket is born encrypted and private, which the emulator does not know.
                backend.put_bucket_encryption(bucket, ENCRYPTION)
                public = world.scenario == "preflight-state-public" and bucket == names.state_bucket
                if not public:
                    backend.put_public_access_block(bucket, dict.fromkeys(BLOCKS, "true"))

    def put(self, bucket: str, key: str, body: bytes, at: datetime) -> None:
        """Write an object that was last modified at `at`."""
        backend = self._primary if bucket in self._primary.buckets else self._recovery
        stored = backend.put_object(bucket, key, body, disable_notification=True)
        # The emulator keeps UTC without saying so.
        stored.last_modified = at.astimezone(UTC).replace(tzinfo=None)

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object, as somebody with a right to do so would; what is not there stays so."""
        backend = self._primary if bucket in self._primary.buckets else self._recovery
        backend.delete_object(bucket, key)


def pretty(document: Any) -> bytes:  # noqa: ANN401 — any JSON value
    """Return JSON as the original site writes files for people."""
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def compact(document: Any) -> bytes:  # noqa: ANN401 — any JSON value
    """Return JSON as the original site writes pointers."""
    return json.dumps(document, sort_keys=True).encode()


def second(at: datetime) -> str:
    """Return an instant to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(at: datetime) -> str:
    """Return an instant as it stands in names."""
    return at.strftime("%Y%m%dT%H%M%SZ")
