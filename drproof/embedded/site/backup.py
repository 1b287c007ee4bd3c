"""The restore point: two archives, the manifests of their members, and the metadata that promises all of them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeAlias

from drproof.embedded.site import archives, onprem, workloads
from drproof.embedded.site.archives import Member
from drproof.embedded.site.store import Buckets, compact, pretty, second
from drproof.embedded.world import World

CREATED_BEFORE = timedelta(hours=5)
CANARY_BEFORE = timedelta(minutes=1)
STATE, MANIFESTS, METADATA = "state.tar.zst", "manifests.tar.zst", "metadata.json"
CANARY = "state/canary.json"
SCHEMA_VERSION = 2


Rows: TypeAlias = list[dict[str, str | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """The archives of a restore point, with the members that are promised of them, and its canary."""

    bodies: dict[str, bytes]
    listed: dict[str, Rows]
    """By archive; of one that is not here nothing is promised."""
    canary: bytes | None


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Write the restore point and return its id and the digests of its archives."""
    created = now - CREATED_BEFORE
    made = packed(world, created)
    metadata = store(world, buckets, created, world.names.backup_prefix, made, world.scenario)
    if world.scenario == "backup-replaced-while-read":
        _replace_once_read(world, buckets, pretty(metadata | {"notes": "Made again."}), now)
    return (
        {"backup_id": world.names.backup_id, "created_utc": second(created)}
        | {f"sha256 {name}": hashlib.sha256(body).hexdigest() for name, body in made.bodies.items()}
        | onprem.generate(world, buckets, created)
    )


def packed(world: World, created: datetime) -> Packed:
    """Return the archives of a restore point, whole, and what they promise."""
    canary = _canary(world, created)
    bodies, listed = {}, {}
    for name, members in {STATE: _state(world, canary), MANIFESTS: _manifests(world, created)}.items():
        rows: Rows = []
        bodies[name] = archives.packed(_listed(members, rows), checksum=world.scenario != "backup-without-checksums")
        listed[name] = rows
    return Packed(bodies=bodies, listed=listed, canary=canary)


def store(  # noqa: PLR0913 — what a restore point is made of
    world: World, buckets: Buckets, created: datetime, prefix: str, made: Packed, spoiled_by: str
) -> dict[str, Any]:
    """Write a restore point under `prefix`, spoiled as a scenario says or not at all, and return its metadata."""
    names, bodies = world.names, made.bodies
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    lists = {name: _list(spoiled_by, name, rows) for name, rows in made.listed.items()}
    metadata: dict[str, Any] = {
        "artifacts": {name: {"bytes": len(body), "sha256": digests[name]} for name, body in bodies.items()},
        "backup_id": prefix.rpartition("/")[2],
        "backup_uri": f"s3://{names.backup_bucket}/{prefix}",
        "bucket": names.backup_bucket,
        "created_utc": second(created),
        "member_manifests": {
            name: {"path": _beside(name), "sha256": hashlib.sha256(body).hexdigest()} for name, body in lists.items()
        },
        "notes": "Generated restore point of the embedded world; portable tar|zstd.",
        "prefix": names.prefix,
        "schema_version": SCHEMA_VERSION,
    }
    if made.canary is not None:
        metadata["canary"] = {
            "path": f"{STATE}/{CANARY}",
            "sha256": hashlib.sha256(made.canary).hexdigest(),
            "written_utc": second(created - CANARY_BEFORE),
        }
    stored: dict[str, bytes | None] = {METADATA: pretty(metadata)}
    stored |= {_beside(name): body for name, body in lists.items()}
    stored |= {name: _spoiled(spoiled_by, name, body) for name, body in bodies.items()}
    for name, body in stored.items():
        if body is not None:
            buckets.put(names.backup_bucket, f"{prefix}/{name}", body, created)
    return metadata


def _state(world: World, canary: bytes) -> Iterator[Member]:
    if world.scenario == "backup-implausibly-small":
        return iter((Member("state", None), Member(CANARY, canary)))
    members = archives.state(world.seed, world.members, canary=canary)
    return chain(members, archives.hostile()) if world.scenario == "hostile-archive" else members


def _canary(world: World, created: datetime) -> bytes:
    """Return the record that the original site writes ahead of each backup, to be looked for after a restore."""
    return pretty({"canary_id": f"{world.seed}-{world.names.backup_id}", "written_at": second(created - CANARY_BEFORE)})


def _manifests(world: World, created: datetime) -> Iterator[Member]:
    yield Member("manifests", None)
    for name, text in workloads.manifests(world, created):
        yield Member(f"manifests/{name}", text.encode())


def _listed(members: Iterator[Member], rows: Rows) -> Iterator[Member]:
    """Write down each file of an archive as it is handed to the packer."""
    for member in members:
        if member.body is not None:
            digest = hashlib.sha256(member.body).hexdigest()
            rows.append({"path": member.name, "bytes": len(member.body), "sha256": digest})
        yield member


def _list(spoiled_by: str, name: str, rows: Rows) -> bytes:
    """Return the member manifest of an archive."""
    if name == STATE and spoiled_by == "backup-member-differs":
        # As if the file had been written to between the listing and the packing.
        rows = [*rows[:-1], {**rows[-1], "sha256": hashlib.sha256(b"as it was listed").hexdigest()}]
    return compact({"schema_version": 1, "archive": name, "members": rows})


def _beside(name: str) -> str:
    return f"{name.partition('.')[0]}.members.json"


def _replace_once_read(world: World, buckets: Buckets, body: bytes, now: datetime) -> None:
    """Let somebody make the metadata again right after it was read for the first time."""
    place = (world.names.backup_bucket, f"{world.names.backup_prefix}/{METADATA}")

    def read(bucket: str, key: str) -> None:
        if (bucket, key) == place and place in waiting:
            waiting.clear()
            buckets.put(bucket, key, body, now)

    waiting = {place}
    world.on_object_read.append(read)


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
