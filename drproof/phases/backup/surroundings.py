"""What a restore point is compared with: the run that the original site published last, and the buckets of both."""

from dataclasses import replace

from drproof.formats import pointers, published_runs
from drproof.model.capabilities import ObjectStore
from drproof.model.criteria import Backup, Plausibility
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.phases.backup.beside import OK, BucketSeen, PublishedSeen

LABELS = ("global", "global-legacy")
"""The second is of the candidate `local` alone: of another one it would name somebody else's run."""

REFUSED = frozenset({"AccessDenied", "403", "NoSuchBucket", "404"})


def published(objects: ObjectStore, place: Plausibility) -> PublishedSeen:
    """Return how much the original site published with its last run; what cannot be read is said and not raised."""
    keys = pointers.keys(place.prefix, place.candidate, "", "")
    problem = "no pointer names a run"
    for label in LABELS if place.candidate == published_runs.LOCAL else LABELS[:1]:
        try:
            _, data = objects.read(place.bucket, keys[label])
            run = pointers.parse(data)
        except NotFoundError:
            continue
        except FormatError as exc:
            problem = f"pointer {label}: {exc.code}"
            continue
        except TargetError as exc:
            if exc.code not in REFUSED:
                raise
            problem = f"pointer {label}: {exc.code}"
            continue
        return _run(objects, place, run.run_id)
    return PublishedSeen(uri="", problem=problem)


def _run(objects: ObjectStore, place: Plausibility, run_id: str) -> PublishedSeen:
    prefix = f"{published_runs.run_path(place.prefix, run_id, place.candidate)}/"
    uri = f"s3://{place.bucket}/{prefix}"
    count = size = 0
    try:
        for info in objects.list(place.bucket, prefix):
            count, size = count + 1, size + info.size
    except TargetError as exc:
        if exc.code not in REFUSED:
            raise
        return PublishedSeen(uri=uri, run_id=run_id, problem=exc.code)
    return PublishedSeen(uri=uri, run_id=run_id, objects=count, size=size)


def buckets(objects: ObjectStore, backup: str, wanted: Backup) -> tuple[BucketSeen, ...]:
    """Return the buckets of the restore point and of what is published, as failure domains."""
    roles = {"backup": backup}
    if wanted.published is not None:
        roles["published"] = wanted.published.bucket
    seen: dict[str, BucketSeen] = {}
    for role, name in roles.items():
        known = next((one for one in seen.values() if one.name == name), None)
        seen[role] = _bucket(objects, role, name) if known is None else replace(known, role=role)
    return tuple(seen.values())


def _bucket(objects: ObjectStore, role: str, name: str) -> BucketSeen:
    try:
        info = objects.describe(name)
    except TargetError as exc:
        if exc.code not in REFUSED:
            raise
        return BucketSeen(role=role, name=name, status=exc.code)
    return BucketSeen(
        role=role,
        name=name,
        status=OK,
        owner=info.owner,
        region=info.region,
        versioning=info.versioning,
        object_lock=info.object_lock,
        replication=info.replication,
    )
