"""Requests and answers of the API server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from drproof.embedded.kubernetes.errors import ApiError

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes = b""
    user: str = ""
    groups: tuple[str, ...] = ()

    def parameter(self, name: str, default: str = "") -> str:
        """Return a query parameter, the first of several."""
        return self.query.get(name, [default])[0]

    def flag(self, name: str) -> bool:
        """Return a query parameter that is true or false."""
        return self.parameter(name).lower() in {"true", "1"}

    @property
    def media_type(self) -> str:
        """The type of its body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Stream(Protocol):
    """An answer that goes on: parts as they come, and an end from the outside."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield parts; an empty one when there was nothing for a while, so that the line can be looked at."""

    def close(self) -> None:
        """End it."""


@dataclass(slots=True)
class Answer:
    """One answer: a JSON document, text, or a stream."""

    status: int = 200
    document: object = None
    text: bytes | None = None
    content_type: str = JSON
    stream: Stream | None = None
    warnings: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return what is sent after the headers, unless it streams."""
        if self.text is not None:
            return self.text
        return json.dumps(self.document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def refusal(error: ApiError) -> Answer:
    """Return the answer of a refusal."""
    answer = Answer(error.status, error.document())
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


class Reset(Exception):  # noqa: N818 — nothing went wrong: the connection is to be reset
    """The connection is reset without an answer."""
