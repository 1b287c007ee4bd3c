"""Buckets of one site: every request, listings included, names the owner that the bucket must have."""

import base64
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from drproof.analysis.ownership import older
from drproof.formats import s3_page
from drproof.model.capabilities import BucketInfo, Folders, Intent, ObjectInfo
from drproof.model.errors import NotFoundError, TargetError, ThrottledError, UnansweredError
from drproof.targets.aws import buckets, instants
from drproof.targets.aws.errors import failure, family, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CHUNK = 1 << 20
BATCH = 1000
"""How many versions one request can delete."""

ROWS = ("Contents", "CommonPrefixes", "Versions", "DeleteMarkers")
"""What a page of a listing can hold."""

Versions: TypeAlias = list[tuple[str, str, str]]
"""Key, version, and when it was written."""


class AwsObjectStore:
    """The buckets of one site."""

    def __init__(self, client: "S3Client", *, owner: str, owners: Mapping[str, str] | None = None) -> None:
        """Ask through `client`; buckets that do not belong to the account `owner` are refused by S3 itself.

        `owners` names the buckets that must belong to somebody else, each with its account.
        """
        # The generated types do not carry conditional arguments.
        self._client: Any = client
        self._owner = owner
        self._owners = dict(owners or {})

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return what is known of an object without reading it."""
        with translated("s3:HeadObject", _uri(bucket, key)):
            answer = self._client.head_object(**self._at(bucket, key))
        return _info(bucket, key, answer)

    def read(
        self, bucket: str, key: str, *, version: str = "", if_match: str = "", limit: int = 4 << 20
    ) -> tuple[ObjectInfo, bytes]:
        """Return a small object whole; more than `limit` bytes, or another ETag than `if_match`, is an error."""
        answer = self._get(bucket, key, version, if_match)
        info = _info(bucket, key, answer)
        if info.size > limit:
            answer["Body"].close()
            message = f"expected at most {limit} bytes, got {info.size}"
            raise failure("s3:GetObject", _uri(bucket, key), "EntityTooLarge", message)
        return info, b"".join(_chunks(info, answer["Body"]))

    def stream(
        self, bucket: str, key: str, *, version: str = "", if_match: str = ""
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        """Return an object as chunks, once; the chunks add up to `size` bytes or an error is raised."""
        answer = self._get(bucket, key, version, if_match)
        info = _info(bucket, key, answer)
        return info, _chunks(info, answer["Body"])

    def describe(self, bucket: str) -> BucketInfo:
        """Return what kind of place a bucket is; that it is there and whose it is must be told, the rest may not be."""
        return buckets.describe(self._client, bucket, owner=self._owner_of(bucket))

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object under a prefix, keys exactly as they are."""
        request = {"Bucket": bucket, "Prefix": prefix, "ExpectedBucketOwner": self._owner_of(bucket)}
        for page in self._pages("list_objects_v2", "s3:ListObjectsV2", request, _uri(bucket, prefix)):
            for item in page.get("Contents", ()):
                yield ObjectInfo(
                    bucket=bucket,
                    key=item["Key"],
                    size=item["Size"],
                    etag=item["ETag"].strip('"'),
                    modified_at=instants.text(item["LastModified"]),
                )

    def folders(self, bucket: str, prefix: str) -> Folders:
        """Return what lies directly below a prefix: folders, and keys that are in none."""
        request = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/", "ExpectedBucketOwner": self._owner}
        names: list[str] = []
        keys: list[str] = []
        for page in self._pages("list_objects_v2", "s3:ListObjectsV2", request, _uri(bucket, prefix)):
            names += [row["Prefix"].removeprefix(prefix).removesuffix("/") for row in page.get("CommonPrefixes", ())]
            keys += [row["Key"] for row in page.get("Contents", ())]
        return Folders(names=tuple(names), keys=tuple(keys))

    def put(  # noqa: PLR0913 — the protocol's
        self,
        intent: Intent,
        bucket: str,
        key: str,
        body: bytes,
        *,
        tags: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str = "",
    ) -> ObjectInfo:
        """Write an object, checksum verified by the store; `modified_at` is the store's clock at its answer.

        The object carries the effect's token, so that a write whose answer was lost can be recognised as ours.
        """
        if if_absent and if_match:
            msg = f"put {_uri(bucket, key)}: expected if_absent or if_match, got both"
            raise ValueError(msg)
        request = {
            **self._at(bucket, key),
            "Body": body,
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            "Metadata": {"drproof-effect": intent.token},
        }
        if tags:
            request["Tagging"] = urlencode(dict(tags))
        if if_absent:
            request["IfNoneMatch"] = "*"
        if if_match:
            request["IfMatch"] = f'"{if_match}"'
        with translated("s3:PutObject", _uri(bucket, key)):
            answer = self._client.put_object(**request)
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=len(body),
            etag=answer["ETag"].strip('"'),
            modified_at=instants.of_header(answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")),
            version=_version(answer),
        )

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return an object's tags."""
        with translated("s3:GetObjectTagging", _uri(bucket, key)):
            answer = self._client.get_object_tagging(**self._at(bucket, key))
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def delete(
        self,
        intent: Intent,
        bucket: str,
        keys: Iterable[str],
        *,
        since: str = "",
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        """Remove every version and delete marker of exactly these objects; what is gone already is as wanted.

        With `since`, a version that was there before that instant stays: it is somebody else's. `go_on` is asked before
        each request that removes.

        Raises:
            TargetError: the platform kept some, whose keys are `kept`; all others are gone.
        """
        wanted = sorted(set(keys))
        versions = [
            (key, version)
            for key, version, written in self._versions(bucket, wanted)
            if not since or not older(written, since)
        ]
        self._delete_versions(intent, bucket, versions, go_on)

    def delete_unchanged(
        self, intent: Intent, bucket: str, key: str, *, if_match: str, also: Collection[str] = ()
    ) -> None:
        """Remove an object that still is what was read; versions of others under the same key stay.

        `also` has the ETags of earlier versions that the caller wrote: they go with it.

        Raises:
            AlreadyExistsError: it has changed since; nothing was removed.
            TargetError: the platform refused a version; an object that was there is hidden and not gone.
        """
        with translated("s3:DeleteObject", f"{_uri(bucket, key)} for effect {intent.number}"):
            answer = self._client.delete_object(**self._at(bucket, key), IfMatch=f'"{if_match}"')
        marker = _version(answer)
        if not marker:
            return
        mine = {if_match, *also}
        request = {"Bucket": bucket, "Prefix": key, "ExpectedBucketOwner": self._owner_of(bucket)}
        found = [
            (item["VersionId"], item["ETag"].strip('"'))
            for page in self._pages("list_object_versions", "s3:ListObjectVersions", request, _uri(bucket, key))
            for item in page.get("Versions", ())
            if item["Key"] == key
        ]
        gone = [(key, version) for version, etag in found if etag in mine]
        if len(gone) == len(found):
            # Where a version of somebody else stays, the marker does: without it, that one would be current again.
            gone.append((key, marker))
        self._delete_versions(intent, bucket, gone)

    def _delete_versions(
        self,
        intent: Intent,
        bucket: str,
        versions: Sequence[tuple[str, str]],
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        """Remove versions by their identities; what the platform keeps of them is an error, once all were tried."""
        kept: list[tuple[str, str, str]] = []
        for first in range(0, len(versions), BATCH):
            batch = versions[first : first + BATCH]
            go_on()
            subject = f"{_uri(bucket, batch[0][0])} and {len(batch) - 1} more for effect {intent.number}"
            with translated("s3:DeleteObjects", subject):
                answer = self._client.delete_objects(
                    Bucket=bucket,
                    ExpectedBucketOwner=self._owner_of(bucket),
                    Delete={"Objects": [{"Key": key, "VersionId": version} for key, version in batch], "Quiet": True},
                )
            kept += [(one.get("Code", ""), one.get("Key", ""), one.get("Message", "")) for one in _kept(answer)]
        if kept:
            # What is refused for good is told before what may be over in a moment.
            code, key, message = min(
                kept, key=lambda one: issubclass(family(one[0]), (ThrottledError, UnansweredError))
            )
            subject = f"{_uri(bucket, key)} (and {len(kept) - 1} more)"
            raise failure("s3:DeleteObjects", subject, code, message, kept={name for _, name, _ in kept})

    def _versions(self, bucket: str, keys: Sequence[str]) -> Sequence[tuple[str, str, str]]:
        """Return every version of these keys: by one listing where they lie together, else key by key."""
        if len(keys) > 1:
            together = self._listed(bucket, os.path.commonprefix(keys), frozenset(keys), limit=BATCH + 4 * len(keys))  # noqa: RUF071
            if together is not None:
                return together
        return [found for key in keys for found in self._listed(bucket, key, frozenset({key})) or ()]

    def _listed(
        self, bucket: str, prefix: str, keys: frozenset[str], *, limit: int | None = None
    ) -> Sequence[tuple[str, str, str]] | None:
        """Return the versions of `keys` under a prefix, with instants; None when more than `limit` others lie there."""
        found: Versions = []
        seen = 0
        request = {"Bucket": bucket, "Prefix": prefix, "ExpectedBucketOwner": self._owner_of(bucket)}
        for page in self._pages("list_object_versions", "s3:ListObjectVersions", request, _uri(bucket, prefix)):
            items = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            found += [
                (item["Key"], item["VersionId"], instants.text(item["LastModified"]))
                for item in items
                if item["Key"] in keys
            ]
            seen += len(items)
            if limit is not None and seen > limit:
                return None
            if limit is None and items and min(item["Key"] for item in items) > prefix:
                # Keys come in order: the one that was asked for cannot come any more.
                break
        return found

    def _get(self, bucket: str, key: str, version: str, if_match: str) -> dict[str, Any]:
        pins = {"VersionId": version, "IfMatch": f'"{if_match}"' if if_match else ""}
        request = {
            **self._at(bucket, key),
            **{name: pin for name, pin in pins.items() if pin},
            "ChecksumMode": "ENABLED",
        }
        with translated("s3:GetObject", _uri(bucket, key)):
            answer: dict[str, Any] = self._client.get_object(**request)
        if answer.get("DeleteMarker"):
            msg = f"s3:GetObject {_uri(bucket, key)}: the version is a delete marker"
            raise NotFoundError(msg, code="NoSuchKey", call="s3:GetObject")
        return answer

    def _pages(self, operation: str, call: str, request: Mapping[str, Any], subject: str) -> Iterator[dict[str, Any]]:
        pages = iter(self._client.get_paginator(operation).paginate(**request))
        empty = 0
        while True:
            with translated(call, subject):
                page = next(pages, None)
            if page is None:
                return
            empty = 0 if any(page.get(rows) for rows in ROWS) else empty + 1
            if empty > s3_page.MOST_EMPTY:
                message = f"{empty} pages in a row hold nothing, and each names another one"
                raise failure(call, subject, "EndlessListing", message)
            yield page

    def _owner_of(self, bucket: str) -> str:
        return self._owners.get(bucket, self._owner)

    def _at(self, bucket: str, key: str) -> dict[str, Any]:
        return {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": self._owner_of(bucket)}


def _uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def _kept(answer: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Return what a removal did not take; what is gone already is as wanted."""
    return [one for one in answer.get("Errors", ()) if not issubclass(family(one.get("Code", "")), NotFoundError)]


def _version(answer: Mapping[str, Any]) -> str:
    version = answer.get("VersionId") or ""
    return "" if version == "null" else str(version)


def _info(bucket: str, key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        modified_at=instants.text(answer["LastModified"]),
        seen_at=instants.of_header(answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")),
        version=_version(answer),
        sha256=_kept_digest(answer),
    )


def _kept_digest(answer: Mapping[str, Any]) -> str:
    """Return the SHA-256 that S3 keeps of a whole object; that of an upload in parts is none of its bytes."""
    kept = str(answer.get("ChecksumSHA256") or "")
    if not kept or "-" in kept or answer.get("ChecksumType") == "COMPOSITE":
        return ""
    return base64.b64decode(kept).hex()


def _chunks(info: ObjectInfo, body: Any) -> Iterator[bytes]:  # noqa: ANN401 — botocore's body has no public type
    """Yield the body's chunks; fewer or more bytes than announced are an error, whoever cut them."""
    uri = _uri(info.bucket, info.key)
    got = 0
    chunks = body.iter_chunks(CHUNK)
    try:
        while True:
            with translated("s3:GetObject", uri):
                chunk = next(chunks, b"")
            if not chunk:
                break
            got += len(chunk)
            yield chunk
    finally:
        body.close()
    if got != info.size:
        msg = f"s3:GetObject {uri}: IncompleteBody: expected {info.size} bytes, got {got}"
        raise TargetError(msg, code="IncompleteBody", call="s3:GetObject")
