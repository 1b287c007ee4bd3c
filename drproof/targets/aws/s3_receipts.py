"""Receipts in S3: made once, never written over, and looked at again under the version that the store gave them."""

import base64
import hashlib
from functools import cached_property
from typing import Any

from drproof.evidence.files import LARGEST_FILE
from drproof.model.capabilities import Intent, Retention, StoredObject
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets.aws import instants
from drproof.targets.aws.errors import failure, translated
from drproof.targets.aws.sessions import Session

READ_SECONDS = 20
"""A store that does not answer must not keep a drill from its teardown for long."""

NO_LOCK = "ObjectLockConfigurationNotFoundError"


class AwsReceiptStore:
    """Buckets for receipts, as the site that takes over reaches them."""

    def __init__(self, session: Session, *, owner: str) -> None:
        """Ask through `session`; a bucket that does not belong to the account `owner` is refused by S3 itself."""
        self._session = session
        self._owner = owner

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 — the generated types do not carry conditional arguments
        return self._session.client("s3", read_seconds=READ_SECONDS)

    def locks(self, bucket: str) -> bool:
        """Return whether the bucket has Object Lock."""
        try:
            with translated("s3:GetObjectLockConfiguration", f"s3://{bucket}"):
                answer = self._client.get_object_lock_configuration(Bucket=bucket, ExpectedBucketOwner=self._owner)
        except TargetError as exc:
            if exc.code == NO_LOCK:
                return False
            raise
        return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    def create(self, intent: Intent, bucket: str, key: str, body: bytes, *, retention: Retention | None = None) -> str:
        """Make an object that is not there, and return its version; "" where the bucket keeps none."""
        request = {
            **self._at(bucket, key),
            "Body": body,
            "IfNoneMatch": "*",
            "ContentType": "application/json",
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            "Metadata": {"drproof-effect": intent.token},
        }
        if retention is not None:
            request |= {"ObjectLockMode": retention.mode, "ObjectLockRetainUntilDate": retention.until}
        with translated("s3:PutObject", _uri(bucket, key)):
            answer = self._client.put_object(**request)
        return _version(answer)

    def look(self, bucket: str, key: str, *, version: str = "", locked: bool = False) -> StoredObject:
        """Return an object as the store has it, with its retention where the bucket has Object Lock."""
        asked = {"VersionId": version} if version else {}
        with translated("s3:GetObject", _uri(bucket, key)):
            answer = self._client.get_object(**self._at(bucket, key), **asked)
            with answer["Body"] as stream:
                if answer["ContentLength"] > LARGEST_FILE:
                    message = f"expected at most {LARGEST_FILE} bytes, got {answer['ContentLength']}"
                    raise failure("s3:GetObject", _uri(bucket, key), "EntityTooLarge", message)
                body = stream.read()
        if len(body) != answer["ContentLength"]:
            message = f"expected {answer['ContentLength']} bytes, got {len(body)}"
            raise failure("s3:GetObject", _uri(bucket, key), "IncompleteReadError", message)
        found = _version(answer)
        return StoredObject(
            body=body,
            etag=answer["ETag"].strip('"'),
            version=found,
            retention=self._retention(bucket, key, found) if locked else None,
        )

    def holds(self, bucket: str, prefix: str) -> bool:
        """Return whether anything lies below a prefix."""
        with translated("s3:ListObjectsV2", _uri(bucket, prefix)):
            answer = self._client.list_objects_v2(
                Bucket=bucket, Prefix=prefix, MaxKeys=1, ExpectedBucketOwner=self._owner
            )
        return bool(answer.get("Contents"))

    def keys(self, bucket: str, prefix: str, *, most: int) -> tuple[str, ...]:
        """Return the keys below a prefix, in their order; `TargetError` (`TooMany`) for more than `most`."""
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            with translated("s3:ListObjectsV2", _uri(bucket, prefix)):
                answer = self._client.list_objects_v2(
                    Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=self._owner, **after
                )
            found += [str(one["Key"]) for one in answer.get("Contents", [])]
            if len(found) > most:
                message = f"expected at most {most} objects, got more"
                raise failure("s3:ListObjectsV2", _uri(bucket, prefix), "TooMany", message)
            if not answer.get("IsTruncated"):
                return tuple(found)
            after = {"ContinuationToken": str(answer["NextContinuationToken"])}

    def _retention(self, bucket: str, key: str, version: str) -> Retention | None:
        try:
            with translated("s3:GetObjectRetention", _uri(bucket, key)):
                answer = self._client.get_object_retention(**self._at(bucket, key), VersionId=version)
        except NotFoundError:
            # The object is there, as was just seen: it is its retention that is not.
            return None
        said = answer.get("Retention") or {}
        if not said.get("Mode") or not said.get("RetainUntilDate"):
            return None
        return Retention(mode=said["Mode"], until=instants.text(said["RetainUntilDate"]))

    def _at(self, bucket: str, key: str) -> dict[str, Any]:
        return {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": self._owner}


def _uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def _version(answer: Any) -> str:  # noqa: ANN401 — an answer of the SDK
    version = answer.get("VersionId") or ""
    return "" if version == "null" else str(version)
