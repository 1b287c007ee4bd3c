"""The generated sites: what a real original site and an empty recovery site would hold at the start of a drill."""

from datetime import UTC, datetime

from drproof.embedded import receipts
from drproof.embedded.site import (
    backup,
    builder,
    control_plane,
    disk,
    fleet,
    identity,
    lookouts,
    published,
    recovery,
    registry,
    signing,
    unreadable,
    watch,
)
from drproof.embedded.site.store import Buckets
from drproof.embedded.world import World


def generate(world: World) -> dict[str, str]:
    """Fill both accounts and return the facts that a test may want to know."""
    now = datetime.now(UTC)
    buckets = Buckets(world)
    facts = {"run_id": published.publish(world, buckets, now), "image_digest": registry.generate(world)}
    unreadable.spoil(world, buckets, facts["run_id"], now)
    facts |= backup.generate(world, buckets, now) | control_plane.generate(world, buckets, now)
    facts |= recovery.generate(world, buckets, now) | signing.generate(world)
    facts |= builder.generate(world, buckets, now)
    fleet.generate(world, buckets, now)
    receipts.generate(world)
    watch.generate(world, now)
    identity.generate(world)
    lookouts.generate(world)
    disk.watch(world)
    return facts
