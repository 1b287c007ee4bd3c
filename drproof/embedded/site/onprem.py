"""An encrypted on-prem backup beside the restore point: four objects, of which two are noise to whoever has no key."""

import hashlib
import random
from datetime import datetime

from drproof.embedded.site.store import Buckets, pretty, second
from drproof.embedded.world import World

FILES = {"db_backup.enc": 40, "artifacts_backup.enc": 250}
"""Each encrypted file with its blocks of sixteen bytes."""
CONFUSED = "onprem-checksums-differ"


def generate(world: World, buckets: Buckets, created: datetime) -> dict[str, str]:
    """Write the backup and return where it lies."""
    run = f"m4-{world.names.backup_id.removeprefix('backup-')}"
    prefix = f"{world.names.prefix}/onprem/{run}"
    uri = f"s3://{world.names.backup_bucket}/{prefix}"
    chance = random.Random(f"{world.seed} onprem")  # noqa: S311 — generated data, no secret
    # What encrypts well looks like noise behind the word and the salt; nobody here has a key for it.
    bodies = {name: b"Salted__" + chance.randbytes(8 + 16 * blocks) for name, blocks in FILES.items()}
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    metadata = {
        "schema_version": 1,
        "run_id": run,
        "timestamp_utc": second(created),
        "backup_uri": uri,
        "db_mode": "pg_dump",
        "db_note": "",
        "inputs": {"state_dir": "/srv/atlas/state", "proof_dir": "/srv/atlas/proof"},
        "checksums": digests,
        "sizes": {name: len(body) for name, body in bodies.items()},
    }
    listed = dict(digests)
    if world.scenario == CONFUSED:
        listed["db_backup.enc"] = hashlib.sha256(b"another dump").hexdigest()
    stored = {"metadata.json": pretty(metadata), "checksums.json": pretty(listed), **bodies}
    for name, body in stored.items():
        buckets.put(world.names.backup_bucket, f"{prefix}/{name}", body, created)
    return {"onprem_uri": uri}
