"""Pointers and markers of the original site that nobody can make sense of, each in a way of its own."""

import json
from datetime import datetime

from drproof.embedded.site import published
from drproof.embedded.site.store import Buckets
from drproof.embedded.world import World

BODIES = (b"", b"{", b'{"run_id": 7}')
"""Nothing, no JSON, and no run; the last pointer may not be read at all, by a fault of the scenario."""


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
