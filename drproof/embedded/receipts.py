"""The world's buckets for receipts, and what their scenarios do to whoever writes there."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from moto.s3.models import s3_backends

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.world import World

REFUSES, ANSWER_LOST = "receipt-store-refuses", "receipt-store-answer-lost"
LOST = ("/restore.json", "/bundle/closing.dsse.json")
"""The objects whose first writing is done and not answered."""


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


def gate(world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Refuse to take receipts, where that is the scenario."""
    if world.scenario == REFUSES and asked.action == "PutObject" and asked.bucket in table():
        return Refusal(403, "AccessDenied", f"s3:PutObject is not allowed in {asked.bucket}")
    return None


def loses_the_answer(world: World, asked: Asked, status: int) -> bool:
    """Whether this answer never reaches the caller, though the call was done."""
    return (
        world.scenario == ANSWER_LOST
        and asked.action == "PutObject"
        and asked.bucket in table()
        and asked.key.endswith(LOST)
        and status == 200  # noqa: PLR2004 — done
    )
