"""Listings of S3: the answer of ListObjectsV2 or ListObjectVersions as the command line prints it, or a bare list."""

import re
from dataclasses import dataclass, replace
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.model.errors import FormatError

MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object of a listing; `md5` is empty where the ETag is none, as for what was uploaded in parts."""

    key: str
    size: int
    md5: str
    modified_at: str
    earlier_md5: str | None = None
    """That of the version before; None where the listing tells no versions, empty where there was none, or no MD5."""


def is_one(document: object) -> bool:
    """Return whether a document means to be a listing."""
    if isinstance(document, dict):
        return "Contents" in document or "Versions" in document
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(row, dict) and "Key" in row and "ETag" in row for row in document)
    )


def parse(document: object) -> tuple[Stored, ...]:
    """Return the objects of a listing by key.

    Raises:
        FormatError: `listing-empty`, `listing-cut` (a page of a longer one), `listing-twice` (a key that comes twice),
            `listing`.
    """
    rows = _rows(document)
    if not rows:
        raise FormatError("listing-empty", "the listing has no object")
    try:
        found = [_stored(row) for row in rows]
        earlier = _earlier(document)
    except (KeyError, TypeError, AttributeError) as exc:
        raise FormatError("listing", f"a row of the listing cannot be read: {type(exc).__name__}") from exc
    if len({one.key for one in found}) != len(found):
        raise FormatError("listing-twice", "the listing names a key twice")
    if earlier is not None:
        found = [replace(one, earlier_md5=earlier.get(one.key, "")) for one in found]
    return tuple(sorted(found, key=lambda one: one.key))


def _earlier(document: object) -> dict[str, str] | None:
    """Return the MD5 of the version before the latest of each key; None where no versions are told."""
    if not isinstance(document, dict) or "Versions" not in document:
        return None
    found: dict[str, Stored] = {}
    for row in document["Versions"] or []:
        if row.get("IsLatest") is not True:
            one = _stored(row)
            # S3 lists the newest first, and tells whole seconds.
            if one.key not in found or one.modified_at > found[one.key].modified_at:
                found[one.key] = one
    for row in document.get("DeleteMarkers") or []:
        key, at = row["Key"], instant(row["LastModified"])
        if row.get("IsLatest") is not True and (key not in found or at >= found[key].modified_at):
            # It was taken away in between: what the latest replaced is nothing.
            found[key] = Stored(key=key, size=0, md5="", modified_at=at)
    return {key: one.md5 for key, one in found.items()}


def _rows(document: object) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise FormatError("listing", "the listing is neither an object nor a list")
    if document.get("IsTruncated") or document.get("NextToken") or document.get("NextContinuationToken"):
        raise FormatError("listing-cut", "the listing is one page of a longer one")
    if "Versions" in document:
        return [row for row in document["Versions"] or [] if row.get("IsLatest") is True]
    return document.get("Contents") or []


def _stored(row: dict[str, Any]) -> Stored:
    key, size, etag = row["Key"], row["Size"], row["ETag"].strip('"')
    if not isinstance(key, str) or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise FormatError("listing", "a row of the listing has no key, or no size")
    return Stored(key=key, size=size, md5=etag if MD5.fullmatch(etag) else "", modified_at=instant(row["LastModified"]))
