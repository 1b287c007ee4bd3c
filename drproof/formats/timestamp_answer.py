"""The answer of an RFC 3161 authority, with the certificates in it in the order that DER demands of a set.

Well-known authorities send theirs in the order of the chain, which a strict reader refuses. Certificates are not part
of what a token signs, so their order says nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from drproof.model.errors import FormatError

SEQUENCE, FIRST = 0x30, 0xA0
"""The tags of a sequence, and of a field [0] with parts."""

MOST_LENGTH_BYTES = 4


class _Element(NamedTuple):
    """One element of DER: its tag, and where it begins, where its content begins, and where it ends."""

    tag: int
    start: int
    content: int
    end: int


def in_order(answer: bytes) -> bytes:
    """Return the answer with its certificates in ascending order; anything else stays as it is.

    Raises:
        FormatError: `timestamp-answer`, when it does not have the form of an answer with a token.
    """
    whole = _element(answer, 0, len(answer))
    token = _child(answer, whole, 1, SEQUENCE)
    signed = _child(answer, _child(answer, token, 1, FIRST), 0, SEQUENCE)
    found = [child for child in _children(answer, signed) if child.tag == FIRST]
    if not found:
        return answer
    certificates = sorted(answer[one.start : one.end] for one in _children(answer, found[0]))
    return answer[: found[0].content] + b"".join(certificates) + answer[found[0].end :]


def _child(data: bytes, parent: _Element, number: int, tag: int) -> _Element:
    children = list(_children(data, parent))
    if len(children) <= number or children[number].tag != tag:
        raise FormatError("timestamp-answer", f"expected an element {tag:#x} at byte {parent.content}")
    return children[number]


def _children(data: bytes, parent: _Element) -> Iterator[_Element]:
    at = parent.content
    while at < parent.end:
        element = _element(data, at, parent.end)
        yield element
        at = element.end


def _element(data: bytes, at: int, limit: int) -> _Element:
    """Return the element that begins at a byte and ends before another; lengths are definite, as in all DER."""
    header = data[at : min(at + 2 + MOST_LENGTH_BYTES, limit)]
    content, length = at + 2, 0
    if len(header) > 1 and header[1] < 0x80:  # noqa: PLR2004 — from here on a byte says how many bytes the length has
        length = header[1]
    elif len(header) > 1 and 1 <= (size := header[1] & 0x7F) <= min(MOST_LENGTH_BYTES, len(header) - 2):
        length, content = int.from_bytes(header[2 : 2 + size], "big"), at + 2 + size
    else:
        raise FormatError("timestamp-answer", f"no element of DER at byte {at}")
    if content + length > limit:
        raise FormatError("timestamp-answer", f"the element at byte {at} is cut short")
    return _Element(header[0], at, content, content + length)
