"""What AWS says, in the model's words."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from drproof.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    QuotaError,
    TargetError,
    ThrottledError,
    UnansweredError,
)
from drproof.targets.aws.errors import translated
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.sessions import Session
from tests.targets.conftest import make_intent

FAMILIES = {
    NotFoundError: (
        "404",
        "NoSuchKey",
        "NoSuchBucket",
        "NoSuchVersion",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "InvalidInstanceID.NotFound",
        "InvalidGroup.NotFound",
        "ResourceNotFoundException",
        "RepositoryNotFoundException",
        "ImageNotFoundException",
        "ParameterNotFound",
    ),
    AlreadyExistsError: ("PreconditionFailed", "412", "ConditionalRequestConflict", "ConditionalCheckFailedException"),
    ThrottledError: (
        "SlowDown",
        "503",
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
    ),
    QuotaError: (
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "AccountLimitExceededException",
        "LimitExceededException",
        "ServiceQuotaExceededException",
        "MaxSpotInstanceCountExceededLimitExceeded",
    ),
    TargetError: ("AccessDenied", "UnauthorizedOperation", "InvalidClientTokenId", "BadDigest"),
    UnansweredError: (
        "InternalError",
        "InternalFailure",
        "ServiceUnavailable",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "500",
    ),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in FAMILIES.items() for code in codes])
def test_every_error_code_has_its_family(kind: type[TargetError], code: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {}}
    with pytest.raises(TargetError) as caught, translated("s3:GetObject", "s3://b/k"):
        raise ClientError(answer, "GetObject")
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.call) == (code, "s3:GetObject")
    assert str(caught.value).startswith(f"s3:GetObject s3://b/k: {code}: no")


def test_a_connection_that_fails_is_the_platforms_failure() -> None:
    with (
        pytest.raises(TargetError, match="ec2:DescribeTags: EndpointConnectionError: ") as caught,
        translated("ec2:DescribeTags"),
    ):
        raise EndpointConnectionError(endpoint_url="https://x")
    assert caught.value.code == "EndpointConnectionError"


@pytest.mark.parametrize(("code", "status"), [("502", 502), ("Unknown", 599), ("SomethingNew", 500)])
def test_a_server_that_failed_does_not_say_whether_the_call_happened(code: str, status: int) -> None:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(UnansweredError), translated("sns:Publish"):
        raise ClientError(answer, "Publish")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("SomethingNew", 499)])
def test_a_refusal_says_that_the_call_did_not_happen(code: str, status: int) -> None:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(TargetError) as caught, translated("sns:Publish"):
        raise ClientError(answer, "Publish")
    assert not isinstance(caught.value, UnansweredError)


def test_an_answer_that_nobody_can_read_is_no_answer() -> None:
    with pytest.raises(UnansweredError, match="sns:Publish: ResponseParserError"), translated("sns:Publish"):
        raise ResponseParserError("not XML")


def test_a_mistake_of_ours_is_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), translated("s3:GetObject"):
        _ = 1 // 0


class _Bad(http.server.BaseHTTPRequestHandler):
    """A store that answers 503 to `/b/busy` and cuts every other body short."""

    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/b/busy"):
            self._answer(503, b"<Error><Code>SlowDown</Code><Message>slower</Message></Error>", 0)
        else:
            self._answer(200, b"x" * 50, 50)

    do_PUT = do_GET

    def _answer(self, status: int, body: bytes, missing: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + missing))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def bad_store() -> Iterator[AwsObjectStore]:
    """A store on a server that misbehaves."""
    _Bad.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Bad) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        keys = {"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "secret"}
        yield AwsObjectStore(
            Session("us-west-2", endpoint=endpoint, credentials=keys).client("s3"), owner="111122223333"
        )
        server.shutdown()
        thread.join()


def test_a_request_is_sent_once_because_attempts_are_the_engines(bad_store: AwsObjectStore) -> None:
    with pytest.raises(ThrottledError) as caught:
        bad_store.put(make_intent(), "b", "busy", b"x")
    assert caught.value.code == "SlowDown"
    assert len(_Bad.asked) == 1


def test_a_body_that_is_cut_short_is_no_object(bad_store: AwsObjectStore) -> None:
    info, chunks = bad_store.stream("b", "cut")
    assert info.size == 100
    with pytest.raises(TargetError, match=r"s3:GetObject s3://b/cut: "):
        list(chunks)
    with pytest.raises(TargetError, match=r"s3:GetObject s3://b/cut: "):
        bad_store.read("b", "cut")
