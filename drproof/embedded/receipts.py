"""The world's buckets for receipts."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from moto.s3.models import s3_backends

from drproof.embedded.world import World


@cache
def table() -> dict[str, dict[str, Any]]:
    """Return every bucket for receipts by its name."""
    return tomllib.loads((files(__package__) / "receipt_stores.toml").read_text(encoding="utf-8"))


def generate(world: World) -> None:
    """Make the buckets, empty."""
    backend = s3_backends[world.recovery.account_id]["aws"]
    for name, row in table().items():
        backend.create_bucket(name, world.recovery.region)
        if row["versioned"]:
            backend.put_bucket_versioning(name, "Enabled")
        if row["locked"]:
            backend.get_bucket(name).object_lock_enabled = True
