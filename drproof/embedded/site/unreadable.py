"""Pointers and markers of the original site that nobody can make sense of, each in a way of its own."""

import json
from datetime import datetime

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.site import published
from drproof.embedded.site.store import Buckets
from drproof.embedded.world import World

BODIES = (b"", b"{", b'{"run_id": 7}')
"""Nothing, no JSON, and no run; the last pointer may not be read at all."""


def spoil(world: World, buckets: Buckets, run: str, now: datetime) -> None:
    """Write over what was published."""
    bucket, keys = world.names.bucket, published.pointers(world)
    if world.scenario == "pointers-unreadable":
        for key, body in zip(keys, BODIES, strict=False):
            buckets.put(bucket, key, body, now)
    if world.scenario == "timestamp-unreadable":
        path = f"{world.names.prefix}/runs/{run}"
        pointer = json.dumps({"run_id": run, "run_path": path, "ended_at": "yesterday, about noon"})
        for key in keys:
            buckets.put(bucket, key, pointer.encode(), now)
    if world.scenario == "marker-empty":
        names = world.names
        marker = names.marker.format(provider=names.provider, profile=names.profile)
        buckets.put(bucket, f"{names.prefix}/runs/{run}/{names.provider}/{names.profile}/{marker}", b"", now)


def gate(world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Return a refusal where the scenario lets nobody read the last of the pointers."""
    if world.scenario != "pointers-unreadable":
        return None
    if (asked.bucket, asked.key) != (world.names.bucket, published.pointers(world)[-1]):
        return None
    return Refusal(403, "AccessDenied", f"nobody may {asked.action} {asked.key}")
