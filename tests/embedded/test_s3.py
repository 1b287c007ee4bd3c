"""S3 as the world serves it: owners, accounts, checksums and conditions hold."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drproof.embedded import asked
from drproof.embedded.asked import Asked
from drproof.embedded.shims import s3_checksums

from .conftest import RunningWorld

BUCKET = "atlas-recovery"
PRIMARY, RECOVERY = "111122223333", "444455556666"


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("call", ["head_bucket", "list_objects_v2", "get_bucket_versioning"])
def test_another_expected_owner_than_the_buckets_is_refused(world: RunningWorld, call: str) -> None:
    client = world.client("s3")
    getattr(client, call)(Bucket=BUCKET, ExpectedBucketOwner=RECOVERY)
    with pytest.raises(ClientError) as refused:
        getattr(client, call)(Bucket=BUCKET, ExpectedBucketOwner=PRIMARY)
    assert code(refused)[1] == 403


def test_a_put_with_another_expected_owner_writes_nothing(world: RunningWorld) -> None:
    client = world.client("s3")
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key="owner/never", Body=b"x", ExpectedBucketOwner=PRIMARY)
    assert code(refused) == ("AccessDenied", 403)
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET, Prefix="owner/never")


def test_a_copy_with_another_expected_source_owner_is_refused(world: RunningWorld) -> None:
    client = world.client("s3")
    source = {"Bucket": "atlas-primary", "Key": "atlas/state/last_success.json"}
    client.copy_object(Bucket=BUCKET, Key="copied", CopySource=source, ExpectedSourceBucketOwner=PRIMARY)
    with pytest.raises(ClientError) as refused:
        client.copy_object(Bucket=BUCKET, Key="copied", CopySource=source, ExpectedSourceBucketOwner=RECOVERY)
    assert code(refused) == ("AccessDenied", 403)


@pytest.mark.parametrize("bucket", ["atlas-backups", "atlas-primary"])
def test_the_recovery_account_reads_the_original_sites_buckets_and_cannot_write_them(
    world: RunningWorld, bucket: str
) -> None:
    client = world.client("s3")
    key = client.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    assert client.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    writes: tuple[Callable[[], Any], ...] = (
        lambda: client.put_object(Bucket=bucket, Key="x", Body=b"x"),
        lambda: client.delete_object(Bucket=bucket, Key=key),
        lambda: client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}),
        lambda: client.create_multipart_upload(Bucket=bucket, Key="x"),
    )
    for act in writes:
        with pytest.raises(ClientError) as refused:
            act()
        assert code(refused) == ("AccessDenied", 403)
    world.client("s3", "primary").head_object(Bucket=bucket, Key=key)


def test_the_original_site_cannot_read_the_recovery_buckets(world: RunningWorld) -> None:
    with pytest.raises(ClientError) as refused:
        world.client("s3", "primary").list_objects_v2(Bucket=BUCKET)
    assert code(refused) == ("AccessDenied", 403)


def _wrong(algorithm: str) -> dict[str, str]:
    other = b"another body"
    return {
        "sha256": {"ChecksumSHA256": base64.b64encode(hashlib.sha256(other).digest()).decode()},
        "crc32": {"ChecksumCRC32": base64.b64encode(zlib.crc32(other).to_bytes(4, "big")).decode()},
        "md5": {"ContentMD5": base64.b64encode(hashlib.md5(other, usedforsecurity=False).digest()).decode()},
    }[algorithm]


@pytest.mark.parametrize("algorithm", ["sha256", "crc32", "md5"])
def test_a_body_without_the_checksum_that_was_sent_is_refused_and_not_stored(
    world: RunningWorld, algorithm: str
) -> None:
    client = world.client("s3")
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key=f"sum/{algorithm}", Body=b"body", **_wrong(algorithm))
    assert code(refused) == ("BadDigest", 400)
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET, Prefix=f"sum/{algorithm}")


def test_a_right_sha256_is_stored_and_returned(world: RunningWorld) -> None:
    client = world.client("s3")
    digest = base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    client.put_object(Bucket=BUCKET, Key="sum/right", Body=b"body", ChecksumSHA256=digest)
    got = client.get_object(Bucket=BUCKET, Key="sum/right", ChecksumMode="ENABLED")
    assert (got["ChecksumSHA256"], got["Body"].read()) == (digest, b"body")


def test_a_wrong_checksum_of_a_part_is_refused(world: RunningWorld) -> None:
    client = world.client("s3")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="sum/parts")["UploadId"]
    with pytest.raises(ClientError) as refused:
        client.upload_part(
            Bucket=BUCKET, Key="sum/parts", UploadId=upload, PartNumber=1, Body=b"part", **_wrong("sha256")
        )
    assert code(refused) == ("BadDigest", 400)


def test_default_uploads_and_multipart_uploads_arrive_whole(world: RunningWorld) -> None:
    client = world.client("s3")
    body = bytes(range(256)) * 4096 * 9
    client.put_object(Bucket=BUCKET, Key="whole/one", Body=body)
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="whole/parts")["UploadId"]
    parts = []
    for number, piece in enumerate((body[: 5 << 20], body[5 << 20 :]), start=1):
        sent = client.upload_part(Bucket=BUCKET, Key="whole/parts", UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    client.complete_multipart_upload(
        Bucket=BUCKET, Key="whole/parts", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    for key in ("whole/one", "whole/parts"):
        assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body


def _chunked(body: bytes, **more: str) -> Asked:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/b/k",
        "HTTP_CONTENT_ENCODING": "aws-chunked, gzip",
        "HTTP_X_AMZ_CONTENT_SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        **more,
    }
    request = Asked(environ=environ, body=body, method="PUT", path="/b/k", query={}, service="s3")
    request.replace_body(body)
    return request


def test_a_body_in_chunks_with_a_trailing_checksum_is_decoded_and_judged() -> None:
    sum_ = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big"))
    sent = b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:" + sum_ + b"\r\n\r\n"
    request = _chunked(sent, HTTP_X_AMZ_DECODED_CONTENT_LENGTH="11")
    assert s3_checksums.gate(None, request, None) is None  # type: ignore[arg-type]
    assert request.body == b"hello world"
    assert request.header("content-encoding") == "gzip"
    wrong = _chunked(sent.replace(b"world\r", b"World\r"))
    refusal = s3_checksums.gate(None, wrong, None)  # type: ignore[arg-type]
    assert refusal is not None
    assert refusal.code == "BadDigest"


@pytest.mark.parametrize("sent", [b"6\r\nhel", b"zz\r\nhello", b"", b"5\r\nhello\r\n0\r\n\r\n"])
def test_chunks_that_are_none_or_too_few_are_refused(sent: bytes) -> None:
    request = _chunked(sent, HTTP_X_AMZ_DECODED_CONTENT_LENGTH="6")
    refusal = s3_checksums.gate(None, request, None)  # type: ignore[arg-type]
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("IncompleteBody", 400)


def test_of_many_conditional_writers_exactly_one_wins(world: RunningWorld) -> None:
    clients = [world.client("s3") for _ in range(8)]

    def create(number: int) -> bool:
        try:
            clients[number % 8].put_object(
                Bucket=BUCKET, Key=f"race/{number // 8}", Body=b"%d" % number, IfNoneMatch="*"
            )
        except ClientError as exc:
            assert exc.response["Error"]["Code"] == "PreconditionFailed"  # noqa: PT017 — any other error fails the test
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(160)))
    assert [sum(won[start : start + 8]) for start in range(0, 160, 8)] == [1] * 20


def test_if_match_compares_and_says_whether_the_object_is_missing_or_another(world: RunningWorld) -> None:
    client = world.client("s3")
    tag = client.put_object(Bucket=BUCKET, Key="match/k", Body=b"1")["ETag"]
    acts: tuple[Callable[[str, str], Any], ...] = (
        lambda key, etag: client.put_object(Bucket=BUCKET, Key=key, Body=b"2", IfMatch=etag),
        lambda key, etag: client.delete_object(Bucket=BUCKET, Key=key, IfMatch=etag),
    )
    for act in acts:
        with pytest.raises(ClientError) as missing:
            act("match/none", tag)
        assert code(missing)[1] == 404
        with pytest.raises(ClientError) as other:
            act("match/k", '"00000000000000000000000000000000"')
        assert code(other) == ("PreconditionFailed", 412)
    new = client.put_object(Bucket=BUCKET, Key="match/k", Body=b"2", IfMatch=tag)["ETag"]
    client.delete_object(Bucket=BUCKET, Key="match/k", IfMatch=new)
    client.put_object(Bucket=BUCKET, Key="match/k", Body=b"3", IfNoneMatch="*")


@pytest.mark.parametrize(
    ("method", "query", "action"),
    [
        ("GET", "tagging", "GetObjectTagging"),
        ("POST", "uploads", "CreateMultipartUpload"),
        ("PUT", "uploadId=1&partNumber=1", "UploadPart"),
        ("POST", "uploadId=1", "CompleteMultipartUpload"),
        ("DELETE", "uploadId=1", "AbortMultipartUpload"),
        ("HEAD", "", "HeadObject"),
    ],
)
def test_the_action_of_an_object_request_is_named_from_method_and_query(method: str, query: str, action: str) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0"
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/b/k/l",
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": scope,
        "wsgi.input": None,
    }
    read = asked.read(environ)
    assert (read.action, read.bucket, read.key, read.region) == (action, "b", "k/l", "us-west-2")
