"""S3: a body that does not have the checksum that its sender names is refused, and a named checksum is kept."""

import base64
import binascii
import hashlib
from collections.abc import Callable

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.world import World

# CRC32C and CRC64NVME need a library that a fresh machine may not have: they are taken unchecked.
ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha1": lambda body: hashlib.sha1(body).digest(),  # noqa: S324 — one of the algorithms that S3 offers
    "crc32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
}
PREFIX = "x-amz-checksum-"
_SHA256_HEX = 64


def gate(_world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Return a refusal when a body is not what its sender says; decode a body that was sent in signed chunks."""
    if not asked.writes_objects:
        return None
    try:
        _decode(asked)
    except ValueError as exc:
        return Refusal(400, "IncompleteBody", f"the chunks of the body cannot be read: {exc}")
    signed = asked.header("x-amz-content-sha256")
    if len(signed) == _SHA256_HEX and hashlib.sha256(asked.body).hexdigest() != signed:
        return Refusal(400, "XAmzContentSHA256Mismatch", "the body does not have the SHA-256 that was signed")
    md5 = asked.header("content-md5")
    if md5 and base64.b64encode(hashlib.md5(asked.body).digest()).decode() != md5:  # noqa: S324 — the header is MD5
        return Refusal(400, "BadDigest", "the body does not have the MD5 of Content-MD5")
    if "uploadId" in asked.query and asked.method == "POST":
        # Completing an upload names the checksum of the whole object, not of the list of parts that is the body.
        return None
    return _compare(asked)


def _compare(asked: Asked) -> Refusal | None:
    for name in _named(asked):
        compute = ALGORITHMS.get(name)
        sent = asked.header(PREFIX + name)
        if compute and base64.b64encode(compute(asked.body)).decode() != sent:
            return Refusal(400, "BadDigest", f"the body does not have the {name.upper()} that was sent: {sent}")
        if not asked.header("x-amz-sdk-checksum-algorithm"):
            asked.environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = name.upper()
    return None


def _named(asked: Asked) -> list[str]:
    start = "HTTP_X_AMZ_CHECKSUM_"
    names = [variable.removeprefix(start).lower() for variable in asked.environ if variable.startswith(start)]
    return [name for name in names if name not in {"algorithm", "mode", "type"}]


def _decode(asked: Asked) -> None:
    """Replace a body in chunks by what the chunks hold, and its trailer by headers.

    Raises:
        ValueError: the chunks end early or are not chunks.
    """
    streaming = asked.header("x-amz-content-sha256").startswith("STREAMING-")
    if not streaming and "aws-chunked" not in asked.header("content-encoding"):
        return
    pieces, position, body = [], 0, asked.body
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].partition(b";")[0], 16)
        position = end + 2
        if not size:
            break
        if position + size > len(body):
            msg = f"a chunk names {size} bytes and has {len(body) - position}"
            raise ValueError(msg)
        pieces.append(body[position : position + size])
        position += size + 2
    for line in body[position:].decode("latin-1").split("\r\n"):
        name, separator, value = line.partition(":")
        if separator and name.strip().lower().startswith(PREFIX):
            asked.environ["HTTP_" + name.strip().upper().replace("-", "_")] = value.strip()
    others = [part.strip() for part in asked.header("content-encoding").split(",")]
    kept = [part for part in others if part and part != "aws-chunked"]
    asked.environ.pop("HTTP_CONTENT_ENCODING", None)
    if kept:
        asked.environ["HTTP_CONTENT_ENCODING"] = ", ".join(kept)
    asked.environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    decoded = b"".join(pieces)
    expected = asked.header("x-amz-decoded-content-length")
    if expected and int(expected) != len(decoded):
        msg = f"expected {expected} bytes, got {len(decoded)}"
        raise ValueError(msg)
    asked.replace_body(decoded)
