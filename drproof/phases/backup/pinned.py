"""A look at buckets that remembers: what was read is read again under the same version, and looked at afterwards."""

from collections.abc import Iterator

from drproof.model.capabilities import ObjectInfo, ObjectStore
from drproof.model.errors import NotFoundError, TargetError
from drproof.phases.backup.beside import OK, LookSeen


class Pinned:
    """Buckets in which every object keeps the version that it had when it was first looked at.

    In a bucket without versions an object that has another ETag by then is refused by the store itself.
    """

    def __init__(self, objects: ObjectStore) -> None:
        """Look through `objects`."""
        self._objects = objects
        self._first: dict[tuple[str, str], ObjectInfo] = {}

    def read(self, bucket: str, key: str, *, limit: int = 4 << 20) -> tuple[ObjectInfo, bytes]:
        """Return a small object whole."""
        version, if_match = self._pin(bucket, key)
        info, data = self._objects.read(bucket, key, version=version, if_match=if_match, limit=limit)
        return self._remember(info), data

    def stream(self, bucket: str, key: str) -> tuple[ObjectInfo, Iterator[bytes]]:
        """Return an object as chunks, once."""
        version, if_match = self._pin(bucket, key)
        info, chunks = self._objects.stream(bucket, key, version=version, if_match=if_match)
        return self._remember(info), chunks

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object under a prefix; what is listed is not pinned by it."""
        return self._objects.list(bucket, prefix)

    def looks(self) -> tuple[LookSeen, ...]:
        """Look at every object again that was read, and return both looks."""
        return tuple(self._again(info) for info in self._first.values())

    def _pin(self, bucket: str, key: str) -> tuple[str, str]:
        first = self._first.get((bucket, key))
        if first is None:
            return "", ""
        return (first.version, "") if first.version else ("", first.etag)

    def _remember(self, info: ObjectInfo) -> ObjectInfo:
        self._first.setdefault((info.bucket, info.key), info)
        return info

    def _again(self, first: ObjectInfo) -> LookSeen:
        status, after = OK, first
        try:
            after = self._objects.head(first.bucket, first.key)
        except NotFoundError:
            status = "not_found"
        except TargetError as exc:
            if exc.code not in {"AccessDenied", "403"}:
                raise
            status = "access_denied"
        seen = status == OK
        return LookSeen(
            uri=f"s3://{first.bucket}/{first.key}",
            version=first.version,
            etag=first.etag,
            size=first.size,
            modified_at=first.modified_at,
            status_after=status,
            version_after=after.version if seen else "",
            etag_after=after.etag if seen else "",
            size_after=after.size if seen else 0,
            modified_after=after.modified_at if seen else "",
        )
