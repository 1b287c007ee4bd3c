"""The restore point: two archives and the metadata that names their sizes and digests."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from drproof.embedded.site import archives, workloads
from drproof.embedded.site.archives import Member
from drproof.embedded.site.store import Buckets, pretty, second
from drproof.embedded.world import World

CREATED_BEFORE = timedelta(hours=5)
CANARY_BEFORE = timedelta(minutes=1)
STATE, MANIFESTS, METADATA = "state.tar.zst", "manifests.tar.zst", "metadata.json"


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Write the restore point and return its id and the digests of its archives."""
    created = now - CREATED_BEFORE
    bodies = bodies_of(world, created)
    store(world, buckets, created, world.names.backup_prefix, bodies, world.scenario)
    return {"backup_id": world.names.backup_id, "created_utc": second(created)} | {
        f"sha256 {name}": hashlib.sha256(body).hexdigest() for name, body in bodies.items()
    }


def bodies_of(world: World, created: datetime) -> dict[str, bytes]:
    """Return the archives of a restore point, whole, by name."""
    members = archives.state(world.seed, world.members, canary=_canary(world, created))
    if world.scenario == "hostile-archive":
        members = chain(members, archives.hostile())
    return {STATE: archives.packed(members), MANIFESTS: archives.packed(_manifests(world, created))}


def store(  # noqa: PLR0913 — what a restore point is made of
    world: World, buckets: Buckets, created: datetime, prefix: str, bodies: dict[str, bytes], spoiled_by: str
) -> None:
    """Write a restore point under `prefix`, spoiled as a scenario says or not at all."""
    names = world.names
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    metadata = {
        "artifacts": {name: {"bytes": len(body), "sha256": digests[name]} for name, body in bodies.items()},
        "backup_id": prefix.rpartition("/")[2],
        "backup_uri": f"s3://{names.backup_bucket}/{prefix}/",
        "bucket": names.backup_bucket,
        "created_utc": second(created),
        "notes": "Generated restore point of the embedded world; portable tar|zstd.",
        "prefix": names.prefix,
    }
    stored = {METADATA: pretty(metadata)} | {name: _spoiled(spoiled_by, name, body) for name, body in bodies.items()}
    for name, body in stored.items():
        if body is not None:
            buckets.put(names.backup_bucket, f"{prefix}/{name}", body, created)


def _canary(world: World, created: datetime) -> bytes:
    """Return the record that the original site writes ahead of each backup, to be looked for after a restore."""
    return pretty({"canary_id": f"{world.seed}-{world.names.backup_id}", "written_at": second(created - CANARY_BEFORE)})


def _manifests(world: World, created: datetime) -> Iterator[Member]:
    yield Member("manifests", None)
    for name, text in workloads.manifests(world, created):
        yield Member(f"manifests/{name}", text.encode())


def _spoiled(scenario: str, name: str, body: bytes) -> bytes | None:
    """Return what is stored of an archive when the scenario spoils it, None when it is not stored at all."""
    if name != STATE:
        return body
    match scenario:
        case "backup-object-missing":
            return None
        case "backup-object-truncated":
            return body[: len(body) * 6 // 10]
        case "backup-object-byte-flipped":
            middle = len(body) // 2
            return body[:middle] + bytes([body[middle] ^ 0x01]) + body[middle + 1 :]
        case "backup-object-zero-bytes":
            return b""
    return body
