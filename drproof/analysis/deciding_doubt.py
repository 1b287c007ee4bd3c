"""What two objects say of themselves decides what a listing left in doubt, or sends for their bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from drproof.formats.s3_etag import parts
from drproof.model.comparison import Kind

PLAIN = frozenset({"", "AES256"})
"""The encryptions that leave the ETag of one piece the MD5 of what was uploaded."""
ANY = ("sha256", "crc64nvme", "sha1", "crc32c", "crc32")
"""The checksums that show a difference."""
STRONG = ANY[:2]
"""Those that also show equality: a chance of one in 2^64 or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an object says of itself without being read."""

    size: int
    etag: str
    encryption: str
    """As the header says it; `customer` where the customer's key encrypts."""
    checksums: Mapping[str, str]
    """The checksums of the whole object, by algorithm in small letters; none of checksums of parts."""


def said(headers: Mapping[str, str]) -> Said:
    """Return what the headers of HeadObject say, their names in small letters."""
    length = headers.get("content-length", "")
    whole = headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT"
    values = {name: headers.get(f"x-amz-checksum-{name}", "") for name in ANY}
    customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    return Said(
        size=int(length) if length.isdigit() else -1,
        etag=headers.get("etag", "").strip('"'),
        encryption="customer" if customer else headers.get("x-amz-server-side-encryption", ""),
        # A checksum of checksums ends with the number of parts.
        checksums={name: value for name, value in values.items() if value and whole and "-" not in value},
    )


def decide(left: Said, right: Said) -> tuple[Kind | None, str] | None:
    """Return the kind (None for equal) with its reason; None where only the bytes can tell."""
    if left.size != right.size:
        return Kind.SIZE, f"{left.size} and {right.size} bytes"
    for name in ANY:
        if name in left.checksums and name in right.checksums:
            if left.checksums[name] != right.checksums[name]:
                return Kind.CONTENT, f"{name} of the whole objects"
            if name in STRONG:
                return None, f"{name} of the whole objects"
    plain = left.encryption in PLAIN and right.encryption in PLAIN
    ours, theirs = parts(left.etag.encode()), parts(right.etag.encode())
    if plain and ours == theirs == 0 and left.etag != right.etag:
        return Kind.CONTENT, "MD5 of the whole objects"
    return None
