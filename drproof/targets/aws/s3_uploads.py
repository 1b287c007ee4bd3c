"""Uploads of files of any size: create-only, flat in memory, each part's checksum verified by the store."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import Intent
from drproof.targets import cleaning
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SINGLE = 1 << 30
"""Bytes that one request carries; S3 allows five times as many."""
PART = 64 << 20
MOST_PARTS = 10_000


class AwsUploads:
    """Files that become objects of one bucket owner."""

    def __init__(self, client: "S3Client", *, owner: str, single: int = SINGLE, part: int = PART) -> None:
        """Send files of at most `single` bytes at once, larger ones in parts of `part` bytes."""
        # The generated types do not carry conditional arguments.
        self._client: Any = client
        self._owner = owner
        self._single = single
        self._part = part

    def create(self, intent: Intent, bucket: str, key: str, path: Path, *, sha256: str) -> str:
        """Make an object of a file, unless there is one, and return its version; empty where none are kept.

        Raises:
            AlreadyExistsError: the object is there already.
            TargetError: the store refused, or had other bytes.
        """
        size = path.stat().st_size
        request = {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": self._owner}
        metadata = {"drproof-effect": intent.token, "drproof-sha256": sha256}
        if size > self._single:
            return self._in_parts(request, metadata, path, max(self._part, -(-size // MOST_PARTS)))
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with path.open("rb") as file, translated("s3:PutObject", f"s3://{bucket}/{key}"):
            answer = self._client.put_object(
                **request, Body=file, ChecksumSHA256=checksum, IfNoneMatch="*", Metadata=metadata
            )
        return _version(answer)

    def _in_parts(self, request: dict[str, Any], metadata: dict[str, str], path: Path, size: int) -> str:
        uri = f"s3://{request['Bucket']}/{request['Key']}"
        with translated("s3:CreateMultipartUpload", uri):
            upload = self._client.create_multipart_upload(**request, ChecksumAlgorithm="SHA256", Metadata=metadata)
        named = {**request, "UploadId": upload["UploadId"]}
        try:
            parts = []
            for number, piece in enumerate(_pieces(path, size), start=1):
                checksum = base64.b64encode(hashlib.sha256(piece).digest()).decode()
                with translated("s3:UploadPart", uri):
                    answer = self._client.upload_part(**named, PartNumber=number, Body=piece, ChecksumSHA256=checksum)
                parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
            with translated("s3:CompleteMultipartUpload", uri):
                answer = self._client.complete_multipart_upload(
                    **named, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
        except BaseException as exc:
            self._abort(named, uri, exc)
            raise
        return _version(answer)

    def _abort(self, named: dict[str, Any], uri: str, first: BaseException) -> None:
        """Leave no parts: they cost money and are in no listing of objects."""
        place = f"--bucket {named['Bucket']} --key {named['Key']} --upload-id {named['UploadId']}"
        next_step = f"aws s3api abort-multipart-upload {place}"
        with (
            cleaning.after(first, left="parts of it may be left", next_step=next_step),
            translated("s3:AbortMultipartUpload", uri),
        ):
            self._client.abort_multipart_upload(**named)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(size):
            yield piece


def _version(answer: dict[str, Any]) -> str:
    version = answer.get("VersionId") or ""
    return "" if version == "null" else str(version)
