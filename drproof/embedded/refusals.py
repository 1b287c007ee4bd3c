"""How the world says no: an error in the wire format that the caller's service speaks."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from drproof.embedded.asked import Asked

StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error."""

    status: int
    code: str
    message: str


def answer(asked: Asked, refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    """Send a refusal as the service of the request would."""
    kind, body = _FORMATS[asked.protocol](refusal, uuid4().hex)
    if asked.method == "HEAD":
        body = b""
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-errortype", refusal.code)]
    if asked.protocol == "cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
    start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", headers)
    return [body]


def _s3(refusal: Refusal, request: str) -> tuple[str, bytes]:
    text = (
        f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
        f"<RequestId>{request}</RequestId></Error>"
    )
    return "application/xml", text.encode()


def _query(refusal: Refusal, request: str) -> tuple[str, bytes]:
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{refusal.code}</Code>"
        f"<Message>{escape(refusal.message)}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
    )
    return "text/xml", text.encode()


def _ec2(refusal: Refusal, request: str) -> tuple[str, bytes]:
    text = (
        f"<Response><Errors><Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>"
        f"</Errors><RequestID>{request}</RequestID></Response>"
    )
    return "text/xml", text.encode()


def _json(refusal: Refusal, _request: str) -> tuple[str, bytes]:
    return "application/x-amz-json-1.1", json.dumps({"__type": refusal.code, "message": refusal.message}).encode()


def _cbor(refusal: Refusal, _request: str) -> tuple[str, bytes]:
    pairs = (("__type", refusal.code), ("message", refusal.message))
    return "application/cbor", b"\xa2" + b"".join(_cbor_text(text) for pair in pairs for text in pair)


def _cbor_text(text: str) -> bytes:
    # RFC 8949: major type 3 with a length of two bytes is valid for every text that an error carries.
    data = text.encode()[:0xFFFF]
    return b"\x79" + len(data).to_bytes(2, "big") + data


_FORMATS: dict[str, Callable[[Refusal, str], tuple[str, bytes]]] = {
    "s3": _s3,
    "query": _query,
    "ec2": _ec2,
    "json": _json,
    "rest-json": _json,
    "cbor": _cbor,
}
