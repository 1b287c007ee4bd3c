"""One page of ListObjectsV2 as it comes over the wire, keys URL-encoded: the only form in which every key survives XML.

Millions of keys come this way. Objects written as S3 writes them are read by one pattern, which has to account for
every byte between the first and the last; whatever it leaves, and every page that is written otherwise, is read by an
XML parser.
"""

import re
from operator import lt
from typing import NoReturn
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from drproof.formats.s3_etag import FORM
from drproof.model.errors import FormatError
from drproof.model.listing import Page, Row

LARGEST = 16 << 20
"""More than a thousand keys of 1,024 bytes can come to, each byte of them encoded in three."""

MOST_EMPTY = 1000
"""Pages in a row that may hold nothing. S3 sends such pages while it passes over what was deleted; a store whose pages
name each other would be listed for ever."""

_OBJECT = (
    rb"(<Contents><Key>%b([!-%%'-;=-~]*)</Key><LastModified>[^<&]*</LastModified>"
    rb"<ETag>(?:&quot;|&#34;)([0-9a-f]{32}(?:-[0-9]{1,5})?)(?:&quot;|&#34;)</ETag>"
    rb"(?:<ChecksumAlgorithm>[^<&]*</ChecksumAlgorithm>)*(?:<ChecksumType>[^<&]*</ChecksumType>)?"
    rb"<Size>([0-9]{1,15})</Size><StorageClass>[A-Z_]*</StorageClass></Contents>)"
)
"""One object below a prefix."""

_PLAIN = re.compile(rb"[A-Za-z0-9/_.-]*")
"""A prefix that is written alike whether or not keys are encoded."""

_ENCODED = b"<EncodingType>url</EncodingType>"
_FIRST, _LAST = b"<Contents>", b"</Contents>"
_ROOT = "ListBucketResult"
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


def parse(data: bytes, prefix: bytes = b"") -> Page:
    """Return a page; its keys are those below `prefix`, strictly ascending by their bytes.

    Raises:
        FormatError: `page-xml` (not whole, not XML), `page-shape` (another document, a field that is missing or none),
            `page-key` (a key outside the prefix), `page-order` (keys that do not ascend).
    """
    if len(data) > LARGEST:
        _wrong("page-shape", f"expected at most {LARGEST} bytes, got {len(data)}")
    # Keys that are found below their prefix need not be looked through for it.
    within = prefix if _PLAIN.fullmatch(prefix) else b""
    taken, rest = _taken(data, within)
    document = _Document()
    document.read(rest)
    if taken:
        _, names, etags, sizes = zip(*taken, strict=True)
        rows, outside = list(zip(names, map(int, sizes), etags, strict=True)), prefix[len(within) :]
    else:
        rows, outside = document.rows(), prefix
    shared = [fields.get("CommonPrefixes/Prefix", "").encode() for fields in document.groups["CommonPrefixes"]]
    if document.encoded():
        shared = [_decoded(one) for one in shared]
        written = b"".join([row[0] for row in rows])
        if b"%" in written or b"+" in written:
            rows = [(_decoded(key), size, etag) for key, size, etag in rows]
    document.check_count(len(rows) + len(shared))
    if outside:
        if not all(key.startswith(outside) for key, _, _ in rows):
            _wrong("page-key", "a key lies outside the prefix that was asked for")
        rows = [(key[len(outside) :], size, etag) for key, size, etag in rows]
    keys = [row[0] for row in rows]
    if not all(map(lt, keys, keys[1:])):
        _wrong("page-order", "the keys do not ascend; only buckets that list in the order of keys can be compared")
    return Page(
        rows=rows,
        common_prefixes=tuple(one[len(prefix) :] for one in shared if one.startswith(prefix)),
        next_token=document.next_token(),
        certain=bool(taken) or all(FORM.fullmatch(etag) for _, _, etag in rows),
    )


def _taken(data: bytes, prefix: bytes) -> tuple[list[tuple[bytes, bytes, bytes, bytes]], bytes]:
    """Return the objects that are written as S3 writes them, and what is left; none unless nothing stands between."""
    first, last = data.find(_FIRST), data.rfind(_LAST) + len(_LAST)
    if first < 0 or last <= first:
        return [], data
    rest = data[:first] + data[last:]
    found = re.findall(_OBJECT % re.escape(prefix), data[first:last])
    if _ENCODED not in rest or sum(len(one[0]) for one in found) != last - first:
        return [], data
    return found, rest


def _decoded(key: bytes) -> bytes:
    return unquote_to_bytes(key.replace(b"+", b" "))


class _Document:
    """The fields of a page, read by an XML parser that goes to the end of the document or says that there is none."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.groups: dict[str, list[dict[str, str]]] = {"Contents": [], "CommonPrefixes": []}
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, data: bytes) -> None:
        """Take in one document."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(data, True)  # noqa: FBT003 — expat's: this is the end
        except expat.ExpatError as exc:
            _wrong("page-xml", f"not whole, or not XML: {exc}")
        if "IsTruncated" not in self.fields:
            _wrong("page-shape", "it does not say whether it is the last one")

    def rows(self) -> list[Row]:
        """Return the objects."""
        return [self._row(fields) for fields in self.groups["Contents"]]

    def encoded(self) -> bool:
        """Return whether keys are URL-encoded."""
        kind = self.fields.get("EncodingType", "")
        if kind not in {"", "url"}:
            _wrong("page-shape", f"expected keys that are URL-encoded, got {kind!r}")
        return kind == "url"

    def check_count(self, found: int) -> None:
        """Compare how many keys came with how many the page announces."""
        announced = self.fields.get("KeyCount")
        if announced is not None and announced != str(found):
            _wrong("page-shape", f"it announces {announced!r} keys and has {found}")

    def next_token(self) -> str:
        """Return what asks for the next page; empty on the last one."""
        truncated, token = self.fields["IsTruncated"], self.fields.get("NextContinuationToken", "")
        if truncated not in {"true", "false"} or (truncated == "true") != bool(token):
            _wrong("page-shape", f"IsTruncated is {truncated!r} and a next page is {'named' if token else 'not named'}")
        return token

    def _row(self, fields: dict[str, str]) -> Row:
        key, size, etag = (fields.get(f"Contents/{name}") for name in ("Key", "Size", "ETag"))
        if key is None or size is None or not _NUMBER.fullmatch(size):
            _wrong("page-shape", "an object has no key, or no size")
        return key.encode(), int(size), (etag or "").strip('"').encode()

    def _begin(self, name: str, _attributes: object) -> None:
        self._text.clear()
        if not self._path and name != _ROOT:
            _wrong("page-shape", f"expected a document {_ROOT}, got {name[:40]!r}")
        self._path.append(name)
        if self._path[1:] and len(self._path) == len((_ROOT, name)) and name in self.groups:
            self.groups[name].append({})

    def _end(self, _name: str) -> None:
        text, path = "".join(self._text), self._path[1:]
        self._text.clear()
        self._path.pop()
        into = self.groups[path[0]][-1] if len(path) > 1 and path[0] in self.groups else self.fields
        place = "/".join(path)
        if place in into and place in _ONCE:
            _wrong("page-shape", f"{place} comes twice")
        into[place] = text


_ONCE = frozenset({"IsTruncated", "NextContinuationToken", "KeyCount", "EncodingType", "Contents/Key", "Contents/Size"})


def _refuse_doctype(*_: object) -> NoReturn:
    _wrong("page-xml", "it declares a document type; listings have none")


def _wrong(code: str, what: str) -> NoReturn:
    raise FormatError(code, f"a page of a listing: {what}")
