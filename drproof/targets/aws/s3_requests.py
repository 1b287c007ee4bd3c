"""Signed requests to one bucket, without the SDK's reading of answers: that costs ten times what a listing may cost.

Credentials, their renewal, region, endpoint, proxies and certificates are the SDK's; every request carries the
expected owner of the bucket, under the signature.
"""

import re
import threading
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from urllib3.exceptions import HTTPError

from drproof.model.errors import EvidenceError, FormatError, TargetError, ThrottledError, UnansweredError
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from drproof.targets.aws.sessions import Session

ATTEMPTS = 6
FIRST_PAUSE, FIRST_PAUSE_AT_THE_WORLD = 0.2, 0.006
"""Seconds before the second attempt; each later pause is twice as long."""

CHUNK = 1 << 20
OK = frozenset({200, 206})
_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{0,500})</Message>")
_AGAIN = (ThrottledError, UnansweredError)
_UNREACHED = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})

T = TypeVar("T")


@dataclass(slots=True)
class Sent:
    """How much was asked of one bucket."""

    listings: int = 0
    heads: int = 0
    reads: int = 0
    again: int = 0
    """Requests that were repeated; each attempt also counts as a request of its kind."""
    bytes_read: int = 0

    def join(self, other: "Sent") -> None:
        """Count what another part asked of the same bucket."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class SignedBucket:
    """One bucket as something that is listed and read, by one caller, from many threads."""

    def __init__(  # noqa: PLR0913 — a place, whose it is, and how patiently it is asked
        self,
        session: "Session",
        bucket: str,
        *,
        owner: str,
        connections: int = 16,
        attempts: int = ATTEMPTS,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """Ask `bucket`, which must belong to the account `owner`; nothing is sent yet."""
        self.bucket = bucket
        self._session = session
        self._owner = owner
        self._attempts = attempts
        self._first_pause = first_pause
        self._connections = connections
        self._address = _address(session, bucket)
        self._open()

    def _open(self) -> None:
        self.sent = Sent()
        self.ended = threading.Event()
        """Set by who gives up: nobody waits for another attempt any more."""
        self._counting = threading.Lock()
        self._http = self._session.http(self._connections)

    def reopened(self) -> "SignedBucket":
        """Return the same bucket with connections, counts and an end of its own, as a forked process needs it."""
        again = copy(self)
        again._open()  # noqa: SLF001 — of this class
        return again

    def page(self, query: list[tuple[str, bytes]], subject: str, read: Callable[[bytes], T]) -> T:
        """Return one answer of a listing as `read` takes it; an answer that is not whole is asked for again."""

        def once() -> T:
            self._count(listings=1)
            answer = self._send("GET", b"", query, {}, "s3:ListObjectsV2", subject, stream=False)
            body = answer.content
            _whole(answer, len(body), "s3:ListObjectsV2", subject)
            try:
                return read(body)
            except FormatError as exc:
                raise FormatError(exc.code, f"s3:ListObjectsV2 {subject}: {exc}") from exc

        return self._attempted(once)

    def head(self, key: bytes) -> dict[str, str]:
        """Return what is known of an object, checksums included: the answer's headers, in small letters."""

        def once() -> dict[str, str]:
            self._count(heads=1)
            asked = {"x-amz-checksum-mode": "ENABLED"}
            answer = self._send("HEAD", key, [], asked, "s3:HeadObject", self.uri(key), stream=False)
            return {name.lower(): value for name, value in answer.headers.items()}

        return self._attempted(once)

    def read(self, key: bytes, *, etag: str, size: int, into: Callable[[], Any]) -> Any:  # noqa: ANN401 — a hash
        """Return a new digest that has seen the whole object, as it was when it had this ETag and this size."""

        def once() -> Any:  # noqa: ANN401
            self._count(reads=1)
            digest, uri = into(), self.uri(key)
            as_listed = {"if-match": f'"{etag}"'} if etag else {}
            answer = self._send("GET", key, [], as_listed, "s3:GetObject", uri, stream=True)
            got = 0
            for chunk in _chunks(answer, uri):
                digest.update(chunk)
                got += len(chunk)
            self._count(bytes_read=got)
            _whole(answer, got, "s3:GetObject", uri)
            if got != size:
                message = f"expected {size} bytes, as the listing has it, got {got}"
                raise failure("s3:GetObject", uri, "IncompleteReadError", message)
            return digest

        return self._attempted(once)

    def uri(self, key: bytes) -> str:
        """Return the name of an object for people."""
        return f"s3://{self.bucket}/{key.decode(errors='replace')}"

    def _attempted(self, ask: Callable[[], T]) -> T:
        for tried in range(1, self._attempts):
            try:
                return ask()
            except (TargetError, EvidenceError) as exc:
                if not _worth_another(exc):
                    raise
                self._count(again=1)
                if self.ended.wait(self._first_pause * 2 ** (tried - 1)):
                    raise
        return ask()

    def _send(  # noqa: PLR0913 — one request
        self,
        method: str,
        key: bytes,
        query: list[tuple[str, bytes]],
        headers: dict[str, str],
        call: str,
        subject: str,
        *,
        stream: bool,
    ) -> AWSResponse:
        asked = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query))
        url = f"{self._address}/{quote(key, safe='/~')}" + (f"?{asked}" if asked else "")
        signed = {**headers, "x-amz-expected-bucket-owner": self._owner}
        request = AWSRequest(method=method, url=url, headers=signed, stream_output=stream)
        S3SigV4Auth(self._session.signing_credentials(), "s3", self._session.region).add_auth(request)
        with translated(call, subject):
            answer = self._http.send(request.prepare())
        if answer.status_code not in OK:
            raise _refused(answer, call, subject)
        return answer

    def _count(self, **more: int) -> None:
        with self._counting:
            for name, number in more.items():
                setattr(self.sent, name, getattr(self.sent, name) + number)


def _address(session: "Session", bucket: str) -> str:
    """Return where a bucket answers: at the endpoint that was given, or where the SDK would look for it."""
    if session.endpoint:
        return f"{session.endpoint.rstrip('/')}/{bucket}"
    # The SDK knows partitions, dual stack and FIPS, and says where it goes when it is about to. (A URL that it signs
    # for others may name the global endpoint, which refuses what is signed for a region.)
    client = session.client("s3")
    client.meta.events.register("request-created.s3.HeadBucket", _tell_address)
    try:
        client.head_bucket(Bucket=bucket)
    except _Addressed as told:
        return told.url.rstrip("/")
    msg = f"botocore did not say where it would ask for {bucket}"
    raise AssertionError(msg)


class _Addressed(Exception):  # noqa: N818 — it says something, nothing failed
    """Where a request would go."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def _tell_address(request: AWSRequest, **_: object) -> None:
    raise _Addressed(request.url or "")


def _worth_another(error: TargetError | EvidenceError) -> bool:
    if isinstance(error, EvidenceError):
        # Half a page is a connection that broke in a way that HTTP does not show.
        return error.code == "page-xml"
    return isinstance(error, _AGAIN) or error.code in _UNREACHED


def _refused(answer: AWSResponse, call: str, subject: str) -> TargetError:
    """Return the error that an answer is."""
    try:
        body = answer.content if answer.status_code != 304 else b""  # noqa: PLR2004 — has no body
    except (HTTPError, OSError):
        body = b""
    code, message = _CODE.search(body), _MESSAGE.search(body)
    where = answer.headers.get("x-amz-bucket-region", "")
    text = message[1].decode(errors="replace") if message else ""
    if where and code and code[1] in {b"PermanentRedirect", b"AuthorizationHeaderMalformed", b"TemporaryRedirect"}:
        text = f"the bucket lies in {where}\n  next: name that region, with --region-left or --region-right"
    name = code[1].decode(errors="replace") if code else str(answer.status_code)
    return failure(call, subject, name, text, status=answer.status_code)


def _chunks(answer: AWSResponse, uri: str) -> Iterator[bytes]:
    try:
        while chunk := answer.raw.read(CHUNK):
            yield chunk
    except (HTTPError, OSError) as exc:
        raise failure("s3:GetObject", uri, "ResponseStreamingError", str(exc)) from exc
    finally:
        # A connection that was read to the end has gone back to its pool; another one must not.
        answer.raw.close()


def _whole(answer: AWSResponse, got: int, call: str, subject: str) -> None:
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and int(announced) != got:
        message = f"expected {announced} bytes, got {got}"
        raise failure(call, subject, "IncompleteReadError", message)
