"""What an ETag of S3 is made of, as far as its form tells."""

import re

FORM = re.compile(rb"[0-9a-f]{32}(?:-[0-9]{1,5})?")
"""One digest, or the digest of the digests of that many parts. The form does not tell whether the object is encrypted
with a key of KMS or of the customer; where it is, the digest is not that of its content.
"""


def parts(etag: bytes) -> int | None:
    """Return how many parts the object was uploaded in, 0 for in one piece; None for an ETag of no known form."""
    if not FORM.fullmatch(etag):
        return None
    return int(etag.partition(b"-")[2] or b"0")
