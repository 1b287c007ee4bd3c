"""Places in S3, as `s3://bucket/key`."""

import re
from dataclasses import dataclass

from drproof.model.errors import FormatError

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
BACKUPS = "backups"


@dataclass(frozen=True, slots=True)
class S3Uri:
    """A bucket and a key or prefix without slashes at its ends."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Return the URI."""
        return f"s3://{self.bucket}/{self.key}"

    def join(self, name: str) -> str:
        """Return the key of `name` below this prefix."""
        return f"{self.key}/{name}"

    @property
    def control_plane_prefix(self) -> str:
        """The prefix of the control plane that belongs to this restore point.

        Raises:
            FormatError: the key has no part `backups` with something before it.
        """
        parts = self.key.split("/")
        if BACKUPS not in parts[1:]:
            raise FormatError("s3-uri", f"expected s3://bucket/prefix/backups/id, got {self}")
        return "/".join([*parts[: parts.index(BACKUPS, 1)], "control-plane"])


def parse(uri: str) -> S3Uri:
    """Return bucket and key of a URI; both must be there.

    Raises:
        FormatError: `s3-uri`.
    """
    if not uri.startswith("s3://"):
        raise FormatError("s3-uri", f"expected a URI that starts with s3://, got {uri!r}")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not BUCKET.fullmatch(bucket):
        raise FormatError("s3-uri", f"expected a bucket name after s3://, got {bucket!r}")
    key = key.strip("/")
    if not key or any(ord(char) < ord(" ") for char in key) or ".." in key.split("/"):
        raise FormatError("s3-uri", f"expected a key prefix after the bucket, got {uri!r}")
    return S3Uri(bucket, key)
