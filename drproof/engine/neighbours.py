"""What restore points of one prefix have beside them, looked at once for all of them.

A fleet lies in one bucket, beside one control plane, and is backed up from one original site. Without this, each of its
restore points would list the bundles and the published run again, and ask what kind of place their buckets are.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from drproof.model.capabilities import BucketInfo, ObjectInfo, ObjectStore, Target

MOST = 100_000
"""Objects that are remembered of one listing; a longer one is asked for again, and costs no memory."""

Listings: TypeAlias = dict[tuple[str, str], tuple[ObjectInfo, ...]]


class Exchanged:
    """Something with a few of its members exchanged."""

    def __init__(self, whole: object, **members: object) -> None:
        """Stand for `whole`, but in these members."""
        self._whole = whole
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 — a member of any kind
        """Return a member that was not exchanged."""
        return getattr(self._whole, name)


class Neighbours:
    """What was seen of buckets, for as long as one fleet is read by one process."""

    def __init__(self, objects: ObjectStore) -> None:
        """Ask `objects`, and remember."""
        self._objects = objects
        self._listings: Listings = {}
        self._buckets: dict[str, BucketInfo] = {}

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object under a prefix; one that was listed to its end before is not listed again."""
        known = self._listings.get((bucket, prefix))
        if known is not None:
            yield from known
            return
        seen: list[ObjectInfo] | None = []
        for info in self._objects.list(bucket, prefix):
            if seen is not None:
                seen.append(info)
                if len(seen) > MOST:
                    seen = None
            yield info
        if seen is not None:
            self._listings[bucket, prefix] = tuple(seen)

    def describe(self, bucket: str) -> BucketInfo:
        """Return what kind of place a bucket is."""
        if bucket not in self._buckets:
            self._buckets[bucket] = self._objects.describe(bucket)
        return self._buckets[bucket]


def remembering(target: Target) -> Any:  # noqa: ANN401 — a target, member for member
    """Return a target whose original site is listed once; objects are read, and looked at again, as they always are."""
    known = Neighbours(target.primary.objects)
    objects = Exchanged(target.primary.objects, list=known.list, describe=known.describe)
    return Exchanged(target, primary=Exchanged(target.primary, objects=objects))
