"""The restore point: two archives, the manifests of their members, and the metadata that promises all of them."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from drproof.embedded.site import archives, onprem, workloads
from drproof.embedded.site.archives import Member
from drproof.embedded.site.store import Buckets, compact, pretty, second
from drproof.embedded.world import World

CREATED_BEFORE = timedelta(hours=5)
CANARY_BEFORE = timedelta(minutes=1)
STATE, MANIFESTS, METADATA = "state.tar.zst", "manifests.tar.zst", "metadata.json"
CANARY = "state/canary.json"
SCHEMA_VERSION = 2


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Write the restore point and return its id and the digests of its archives."""
    created = now - CREATED_BEFORE
    names = world.names
    canary = _canary(world, created)
    bodies, listed = {}, {}
    for name, members in {STATE: _state(world, canary), MANIFESTS: _manifests(world, created)}.items():
        rows: list[dict[str, str | int]] = []
        bodies[name] = archives.packed(_listed(members, rows), checksum=world.scenario != "backup-without-checksums")
        listed[name] = rows
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    lists = {name: _list(world, name, rows) for name, rows in listed.items()}
    metadata = {
        "artifacts": {name: {"bytes": len(body), "sha256": digests[name]} for name, body in bodies.items()},
        "backup_id": names.backup_id,
        "backup_uri": names.backup_uri,
        "bucket": names.backup_bucket,
        "canary": {
            "path": f"{STATE}/{CANARY}",
            "sha256": hashlib.sha256(canary).hexdigest(),
            "written_utc": second(created - CANARY_BEFORE),
        },
        "created_utc": second(created),
        "member_manifests": {
            name: {"path": _beside(name), "sha256": hashlib.sha256(body).hexdigest()} for name, body in lists.items()
        },
        "notes": "Generated restore point of the embedded world; portable tar|zstd.",
        "prefix": names.prefix,
        "schema_version": SCHEMA_VERSION,
    }
    stored: dict[str, bytes | None] = {METADATA: pretty(metadata)}
    stored |= {_beside(name): body for name, body in lists.items()}
    stored |= {name: _spoiled(world.scenario, name, body) for name, body in bodies.items()}
    for name, body in stored.items():
        if body is not None:
            buckets.put(names.backup_bucket, f"{names.backup_prefix}/{name}", body, created)
    if world.scenario == "backup-replaced-while-read":
        _replace_once_read(world, buckets, pretty(metadata | {"notes": "Made again."}), now)
    return (
        {"backup_id": names.backup_id, "created_utc": second(created)}
        | {f"sha256 {name}": digest for name, digest in digests.items()}
        | onprem.generate(world, buckets, created)
    )


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


def _listed(members: Iterator[Member], rows: list[dict[str, str | int]]) -> Iterator[Member]:
    """Write down each file of an archive as it is handed to the packer."""
    for member in members:
        if member.body is not None:
            digest = hashlib.sha256(member.body).hexdigest()
            rows.append({"path": member.name, "bytes": len(member.body), "sha256": digest})
        yield member


def _list(world: World, name: str, rows: list[dict[str, str | int]]) -> bytes:
    """Return the member manifest of an archive."""
    if name == STATE and world.scenario == "backup-member-differs":
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
