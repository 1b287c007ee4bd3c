"""The recovery site before a drill: empty, but for its topic, its base image and what a scenario has left there."""

import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from moto.ec2.models import ec2_backends
from moto.sns.models import sns_backends

from drproof.embedded.site.store import Buckets
from drproof.embedded.world import World

LOCKED_BEFORE = timedelta(days=30)
HALF_A_STATE = b'{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "'
IMAGE = "al2023-ami-embedded-arm64"


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Fill the recovery account and return the facts of it."""
    names = world.names
    sns_backends[world.recovery.account_id][world.recovery.region].create_topic(names.topic)
    backend = ec2_backends[world.recovery.account_id][world.recovery.region]
    image = backend.register_image(IMAGE, "Base image of the embedded world")
    image.architecture = "arm64"
    facts = {"image_id": image.id}
    if world.scenario == "terraform-lock-held":
        buckets.put(names.state_bucket, f"{names.state_key}.tflock", _lock(world, now), now - LOCKED_BEFORE)
    if world.scenario == "terraform-state-corrupt":
        buckets.put(names.state_bucket, names.state_key, HALF_A_STATE, now - LOCKED_BEFORE)
    if world.scenario in {"state-missing", "terraform-state-torn"}:
        _lose_state_after_the_restore(world, buckets)
    if world.scenario == "two-runners":
        facts["stranger"] = _stranger(world, image.id)
    return facts


def _lose_state_after_the_restore(world: World, buckets: Buckets) -> None:
    """Remove or tear the remote state as soon as what was restored is read back: the machine is up by then."""
    names, lost = world.names, threading.Event()

    def read(bucket: str, _key: str) -> None:
        if bucket == names.recovery_bucket and not lost.is_set():
            lost.set()
            if world.scenario == "terraform-state-torn":
                buckets.put(names.state_bucket, names.state_key, HALF_A_STATE, datetime.now(UTC))
                return
            for suffix in ("", ".direct.json"):
                buckets.remove(names.state_bucket, names.state_key + suffix)

    world.on_object_read.append(read)


def _lock(world: World, now: datetime) -> bytes:
    held = {
        "ID": str(UUID(int=world.seed, version=4)),
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "operator@another-machine",
        "Version": "1.11.4",
        "Created": (now - LOCKED_BEFORE).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "Path": f"{world.names.state_bucket}/{world.names.state_key}",
    }
    return json.dumps(held).encode()


def _stranger(world: World, image: str) -> str:
    """Start a machine that looks like the runner and was started by nobody who drills here."""
    tags = {"Name": world.names.runner_name, "Purpose": world.names.runner_purpose, "ManagedBy": "terraform"}
    backend = ec2_backends[world.recovery.account_id][world.recovery.region]
    reservation = backend.run_instances(
        image,
        1,
        None,
        [],
        instance_type=world.names.instance_type,
        is_instance_type_default=False,
        region_name=world.recovery.region,
        subnet_id=next(iter(backend.get_default_subnets().values())).id,
        tags={"instance": tags, "volume": tags},
    )
    (instance,) = reservation.instances
    return str(instance.id)
