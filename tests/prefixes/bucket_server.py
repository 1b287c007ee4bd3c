"""Buckets over a socket, for tests and benchmarks: as fast as Python sends bytes, and unkind when it is told to be.

It knows ListObjectsV2, HeadObject and GetObject, counts what is asked of every key, and can wait, refuse, break off
and cut. Pages are joined from objects that were rendered beforehand.
"""

import asyncio
import hashlib
import hmac
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlsplit

PAGE = 1000
SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its content, and what the store says of it."""

    body: bytes
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        return self.etag or hashlib.md5(self.body).hexdigest()


def parts_of(body: bytes, size: int) -> str:
    """Return the ETag of what is uploaded in parts of `size` bytes."""
    digests = [hashlib.md5(body[at : at + size]).digest() for at in range(0, len(body), size)]
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


def rendered(key: bytes, size: int, etag: str) -> bytes:
    """Return an object as a page of a listing has it."""
    return (
        b"<Contents><Key>%s</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>&quot;%s&quot;</ETag>"
        b"<Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ) % (quote(key, safe="/").replace("%20", "+").encode(), etag.encode(), size)


class Bucket:
    """One bucket: keys in order, each rendered; bodies only where somebody may read them."""

    def __init__(self, rows: Iterable[tuple[bytes, bytes]], objects: Mapping[bytes, Stored]) -> None:
        ordered = sorted(rows)
        self.keys = [key for key, _ in ordered]
        self.lines = [line for _, line in ordered]
        self.objects = dict(objects)

    @classmethod
    def of(cls, objects: Mapping[bytes, Stored]) -> "Bucket":
        return cls(((key, rendered(key, len(one.body), one.tag)) for key, one in objects.items()), objects)

    def page(self, query: Mapping[str, bytes]) -> bytes:
        prefix, delimiter = query.get("prefix", b""), query.get("delimiter", b"")
        after = unquote_to_bytes(query.get("continuation-token", b"")) or query.get("start-after", b"")
        most = min(int(query.get("max-keys", PAGE)), PAGE)
        at = max(bisect_left(self.keys, prefix), bisect_right(self.keys, after) if after else 0)
        end = bisect_left(self.keys, _past(prefix)) if prefix else len(self.keys)
        if delimiter:
            lines, shared, last, more = self._by_delimiter(prefix, delimiter, at, end, most)
        else:
            stop = min(at + most, end)
            lines, shared, more = self.lines[at:stop], [], stop < end
            last = self.keys[stop - 1] if lines else b""
        token = b"<NextContinuationToken>%s</NextContinuationToken>" % quote(last, safe="").encode() if more else b""
        head = (
            b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            b"<Name>b</Name><Prefix>%s</Prefix>%s<KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys>"
            b"<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>"
        ) % (quote(prefix).encode(), token, len(lines) + len(shared), most, b"true" if more else b"false")
        tail = b"".join(b"<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>" % quote(one).encode() for one in shared)
        return b"".join([head, *lines, tail, b"</ListBucketResult>"])

    def _by_delimiter(
        self, prefix: bytes, delimiter: bytes, at: int, end: int, most: int
    ) -> tuple[list[bytes], list[bytes], bytes, bool]:
        lines, shared, last = list[bytes](), list[bytes](), b""
        while at < end and len(lines) + len(shared) < most:
            cut = self.keys[at].find(delimiter, len(prefix))
            if cut < 0:
                lines.append(self.lines[at])
                last, at = self.keys[at], at + 1
            else:
                shared.append(self.keys[at][: cut + len(delimiter)])
                at = bisect_left(self.keys, _past(shared[-1]))
                last = self.keys[at - 1]
        return lines, shared, last, at < end


def _past(prefix: bytes) -> bytes:
    return prefix[:-1] + bytes([prefix[-1] + 1])


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: GET, HEAD or LIST, of which bucket and key, and how."""

    verb: str
    bucket: str
    key: bytes
    query: Mapping[str, bytes]
    headers: Mapping[str, str]


Unkind = Callable[[Asked], str]
"""What goes wrong with a request: `500`, `503`, `reset`, `short`, `cut`, `404`, or nothing."""


class BucketServer:
    """Buckets at an address of this machine, until it is stopped."""

    def __init__(
        self,
        buckets: Mapping[str, Bucket],
        *,
        latency: float = 0,
        unkind: Unkind | None = None,
        owner: str = "",
        check_signatures: bool = True,
    ) -> None:
        self.buckets = buckets
        self.latency = latency
        self.unkind = unkind
        self.owner = owner
        self.counts: Counter[tuple[str, str, bytes]] = Counter()
        self.unsigned: list[Asked] = []
        self.begun: set[tuple[str, bytes]] = set()
        """Where listings of whole ranges began."""
        self.port = 0
        self._check_signatures = check_signatures
        self._loop = asyncio.new_event_loop()  # of the thread; `serve` runs in any
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def count(self, verb: str, bucket: str = "") -> int:
        """Return how many requests of a kind came."""
        return sum(n for (kind, name, _), n in self.counts.items() if kind == verb and bucket in {"", name})

    def keys(self, verb: str) -> set[bytes]:
        """Return the keys that requests of a kind named."""
        return {key for kind, _, key in self.counts if kind == verb}

    def _run(self) -> None:
        self._loop.run_until_complete(self.serve())
        self._loop.close()

    def stop(self) -> None:
        """End what `serve` does, from its own thread."""
        self._stop.set()

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        ready()
        await self._stop.wait()
        server.close()

    def answer(self, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        bucket = self.buckets.get(asked.bucket)
        self.counts[asked.verb, asked.bucket, asked.key] += 1
        if self._check_signatures and not signed(asked):
            self.unsigned.append(asked)
        if bucket is None:
            return _error(404, "NoSuchBucket")
        if self.owner and asked.headers.get("x-amz-expected-bucket-owner", self.owner) != self.owner:
            return _error(403, "AccessDenied")
        if asked.verb == "LIST":
            if "start-after" in asked.query and "max-keys" not in asked.query:
                self.begun.add((asked.bucket, asked.query["start-after"]))
            return 200, [("Content-Type", "application/xml")], bucket.page(asked.query)
        found = bucket.objects.get(asked.key)
        if found is None:
            return _error(404, "NoSuchKey")
        if asked.headers.get("if-match", f'"{found.tag}"') != f'"{found.tag}"':
            return _error(412, "PreconditionFailed")
        return 200, [("ETag", f'"{found.tag}"'), *found.headers.items()], found.body


class _Connection(asyncio.Protocol):
    def __init__(self, server: BucketServer) -> None:
        self._server = server
        self._data = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            asked, self._data = _asked(self._data[:end]), self._data[end + 4 :]
            if self._server.latency:
                asyncio.get_running_loop().call_later(self._server.latency, self._send, asked)
            else:
                self._send(asked)

    def _send(self, asked: Asked) -> None:
        server = self._server
        wrong = server.unkind(asked) if server.unkind else ""
        status, headers, body = server.answer(asked)
        if wrong in {"301", "404", "500", "503"}:
            names = {"301": "PermanentRedirect", "404": "NoSuchKey", "500": "InternalError", "503": "SlowDown"}
            status, headers, body = _error(int(wrong), names[wrong])
            headers.append(("x-amz-bucket-region", "eu-west-1"))
        length = len(body)
        if wrong == "cut":
            body = body[: length // 2]
            length = len(body)
        lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in headers), f"Content-Length: {length}"]
        sent = b"" if asked.verb == "HEAD" else body
        if wrong == "reset":
            self._transport.abort()
        elif wrong == "short":
            self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + sent[: len(sent) // 2])
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)


def _asked(head: bytes) -> Asked:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    bucket, _, key = path.lstrip("/").partition("/")
    named = {name: value.encode("latin-1") for name, value in parse_qsl(query, True, encoding="latin-1")}
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    verb = "LIST" if "list-type" in named else method
    headers["."] = target
    return Asked(verb, bucket, unquote_to_bytes(key), named, headers)


def _error(status: int, code: str) -> tuple[int, list[tuple[str, str]], bytes]:
    body = f"<Error><Code>{code}</Code><Message>said the test</Message></Error>".encode()
    return status, [("Content-Type", "application/xml")], body


def signed(asked: Asked) -> bool:
    """Whether a request carries a signature of SigV4 by `SECRET` that covers the expected owner."""
    scheme, _, fields = asked.headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return False
    said = dict(one.strip().split("=", 1) for one in fields.split(","))
    names = said["SignedHeaders"].split(";")
    target = urlsplit(asked.headers["."])
    method = "GET" if asked.verb == "LIST" else asked.verb
    canonical = "\n".join(
        [
            method,
            target.path,
            "&".join(sorted(target.query.split("&"))) if target.query else "",
            *(f"{name}:{asked.headers[name]}" for name in names),
            "",
            said["SignedHeaders"],
            asked.headers["x-amz-content-sha256"],
        ]
    )
    _, day, region, service, last = said["Credential"].split("/")
    scope = f"{day}/{region}/{service}/{last}"
    text = f"AWS4-HMAC-SHA256\n{asked.headers['x-amz-date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = f"AWS4{SECRET}".encode()
    for part in (day, region, service, last):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    return hmac.compare_digest(signature, said["Signature"]) and "x-amz-expected-bucket-owner" in names
