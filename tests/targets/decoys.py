"""Things that look as if they were a drill's, and are somebody else's: planted in the embedded world, by kind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.ownership import EFFECT_TAG
from drproof.targets import embedded
from tests.targets.conftest import NAMES

BUCKET, PREFIX = NAMES["recovery"]["bucket"], NAMES["recovery"]["prefix"]
STATES = NAMES["recovery"]["provisioner"]["state_bucket"]
STATE_KEY = NAMES["recovery"]["provisioner"]["state_key"]
DEAD = "dead-drill"
"""A drill that died long ago, whose tags others copied."""
PAST, FUTURE = "2020-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"
MUTATING = ("Terminate", "Delete", "Put", "Create", "Modify", "Stop", "Start", "Run", "Copy")
LOOKS = {"Name": "atlas-dr-runner", "Purpose": "atlas-dr", "ManagedBy": "terraform"}


@dataclass
class Yard:
    """A world with decoys in it, and what each of them is called."""

    world: embedded.World
    named: dict[str, str] = field(default_factory=dict)
    planted: int = 0
    """How many calls the world had answered when everything was planted."""

    def client(self, service: str, side: str = "recovery", region: str = "") -> Any:
        issued = embedded.credentials(self.world.endpoint)[side]
        make: Any = boto3.client
        return make(
            service,
            region_name=region or issued["region"],
            endpoint_url=self.world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def machine(
        self, tags: dict[str, str], *, side: str = "recovery", region: str = "", network: str = "", token: str = ""
    ) -> str:
        """Start a machine as somebody else does, with disk and interface marked alike."""
        ec2 = self.client("ec2", side, region)
        carried = [{"Key": key, "Value": value} for key, value in tags.items()]
        # The emulator starts an image of another account and region as well.
        image = self.client("ec2").describe_images(Owners=["self"])["Images"][0]
        made = ec2.run_instances(
            ImageId=image["ImageId"],
            InstanceType="t4g.medium",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[
                {"ResourceType": kind, "Tags": carried} for kind in ("instance", "volume", "network-interface")
            ],
            **({"SubnetId": network} if network else {}),
            **({"ClientToken": token} if token else {}),
        )
        return str(made["Instances"][0]["InstanceId"])

    def made_by(self, drill: str, expires_at: str) -> str:
        """Start a machine as a drill does: with the client token of its effect."""
        return self.machine(marked(drill, expires_at), token=token_of_drill(drill))

    def put(self, key: str, tags: dict[str, str], *, bucket: str = BUCKET, body: bytes = b"not yours") -> str:
        text = "&".join(f"{name}={value}" for name, value in tags.items())
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **({"Tagging": text} if text else {}))
        return f"s3://{bucket}/{key}"

    def calls(self) -> list[dict[str, Any]]:
        """Return what was asked of the world since everything was planted."""
        return self.world.calls()[self.planted :]

    def touched(self) -> dict[str, str]:
        """Return each decoy that a changing call named since, with the call."""
        found: dict[str, str] = {}
        for call in self.calls():
            if not call["action"].startswith(MUTATING):
                continue
            direct = f"s3://{call['bucket']}/{call['key']}" if call["bucket"] else ""
            named = {direct, *call["named"], *(f"s3://{call['bucket']}/{key}" for key in call["named"])}
            found |= {kind: call["action"] for kind, identity in self.named.items() if identity in named}
        return found

    def alive(self) -> dict[str, bool]:
        """Return whether each decoy is still there, from the emulator's own memory."""
        there = self.world.inventory()
        ids = {
            *(one["id"] for kind in ("instances", "volumes", "security_groups", "interfaces") for one in there[kind]),
            *(f"s3://{one['bucket']}/{one['key']}" for one in there["objects"] if not one["delete_marker"]),
            *(one["id"] for one in there["others"]),
        }
        return {kind: identity in ids for kind, identity in self.named.items()}


Plant = Callable[[Yard, str], str]
DECOYS: dict[str, Plant] = {}


def decoy(kind: str) -> Callable[[Plant], Plant]:
    """Register a kind of decoy; its function plants one for the drill of that name."""

    def register(plant: Plant) -> Plant:
        DECOYS[kind] = plant
        return plant

    return register


def _tags(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}]


def marked(drill: str, expires_at: str = FUTURE, **more: str) -> dict[str, str]:
    return {**LOOKS, DRILL_TAG: drill, EXPIRES_TAG: expires_at, **more}


def _of_machines() -> Iterator[tuple[str, Plant]]:
    yield "a machine with the drill's tags, copied", lambda yard, drill: yard.machine(marked(drill))
    yield (
        "a machine with the token of an effect as a tag",
        lambda yard, drill: yard.machine(marked(drill, **{EFFECT_TAG: token_of_drill(drill)})),
    )
    yield "a machine of the same name without a drill", lambda yard, _: yard.machine(LOOKS)
    yield "a machine of another drill", lambda yard, drill: yard.machine(marked(f"{drill}-2"))
    yield "a machine whose tag ends otherwise", lambda yard, drill: yard.machine(marked(f"{drill}*"))
    yield "a machine whose tag is written otherwise", lambda yard, drill: yard.machine(marked(drill.upper()))
    yield "a machine in another account", lambda yard, drill: yard.machine(marked(drill), side="primary")
    yield "a machine in another region", lambda yard, drill: yard.machine(marked(drill), region="eu-west-1")
    yield "a machine that expires at no time", lambda yard, _: yard.machine(marked("gone", "soon"))
    yield "a machine without an expiry", lambda yard, _: yard.machine({**LOOKS, DRILL_TAG: "gone"})
    yield (
        "a machine with a tag that only resembles",
        lambda yard, _: yard.machine({"drproof:Drill": "gone", EXPIRES_TAG: PAST}),
    )
    yield (
        "an expired machine with a dead drill's tags, copied",
        lambda yard, _: yard.machine(marked(DEAD, PAST, **{EFFECT_TAG: token_of_drill(DEAD)})),
    )
    yield (
        "an expired machine with a client token of nobody",
        lambda yard, _: yard.machine(marked(DEAD, PAST), token="a-token-of-somebody-else"),
    )
    yield (
        "an expired machine in another account",
        lambda yard, _: yard.machine(marked("gone", PAST), side="primary"),
    )
    yield (
        "an expired machine in another region",
        lambda yard, _: yard.machine(marked("gone", PAST), region="eu-west-1"),
    )


def token_of_drill(drill: str) -> str:
    """Return a token that a journal of the drill knows."""
    from drproof.engine.effects import token_of

    return token_of(drill, "bringup", "runner.up", "atlas-dr-runner")


DECOYS.update(_of_machines())


@decoy("a machine in another network, with the drill's tags")
def other_network(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    return yard.machine(marked(drill), network=subnet)


@decoy("a stopped machine with the drill's tags")
def stopped(yard: Yard, drill: str) -> str:
    made = yard.machine(marked(drill))
    yard.client("ec2").stop_instances(InstanceIds=[made])
    return made


@decoy("a disk with the drill's tags")
def disk(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    tags = _tags("volume", marked(drill))
    return str(ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=tags)["VolumeId"])


@decoy("an interface with the drill's tags")
def interface(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = _tags("network-interface", marked(drill))
    made = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tags)
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


@decoy("an expired disk with a dead drill's tags, copied")
def expired_disk(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    tags = _tags("volume", marked(DEAD, PAST, **{EFFECT_TAG: token_of_drill(DEAD)}))
    return str(ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=tags)["VolumeId"])


@decoy("an expired interface with a dead drill's tags, copied")
def expired_interface(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = _tags("network-interface", marked(DEAD, PAST, **{EFFECT_TAG: token_of_drill(DEAD)}))
    made = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tags)
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


@decoy("an expired security group with a dead drill's tags, copied")
def expired_group(yard: Yard, drill: str) -> str:
    tags = _tags("security-group", marked(DEAD, PAST))
    made = yard.client("ec2").create_security_group(GroupName=f"{drill}-e", Description="x", TagSpecifications=tags)
    return str(made["GroupId"])


@decoy("a security group with the drill's tags")
def group(yard: Yard, drill: str) -> str:
    tags = _tags("security-group", marked(drill))
    return str(
        yard.client("ec2").create_security_group(GroupName=f"{drill}-g", Description="x", TagSpecifications=tags)[
            "GroupId"
        ]
    )


@decoy("a key pair with an expired drill's tags")
def key_pair(yard: Yard, drill: str) -> str:
    tags = _tags("key-pair", marked("gone", PAST))
    return str(yard.client("ec2").create_key_pair(KeyName=f"{drill}-k", TagSpecifications=tags)["KeyPairId"])


@decoy("a snapshot with an expired drill's tags")
def snapshot(yard: Yard, drill: str) -> str:
    ec2 = yard.client("ec2")
    volume = disk(yard, f"{drill}-copied")
    return str(
        ec2.create_snapshot(VolumeId=volume, TagSpecifications=_tags("snapshot", marked("gone", PAST)))["SnapshotId"]
    )


OBJECTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "an object under the prefix that no journal knows": (BUCKET, "{prefix}/{drill}/theirs.txt", {"{drill}": FUTURE}),
    "an object whose key differs by case": (BUCKET, "{prefix}/{drill}/STATE/one", {"{drill}": FUTURE}),
    "an object whose key ends with a slash": (BUCKET, "{prefix}/{drill}/state/one/", {"{drill}": FUTURE}),
    "an object whose key begins alike": (BUCKET, "{prefix}/{drill}/state/one.bak", {"{drill}": FUTURE}),
    "an object without a tag": (BUCKET, "{prefix}/{drill}/untagged", {}),
    "an object of a drill with a longer name": (BUCKET, "{prefix}/{drill}-2/state/one", {"{drill}-2": FUTURE}),
    "an object in the prefix in capitals": (BUCKET, "{PREFIX}/{drill}/state/one", {"{drill}": PAST}),
    "an object above every drill": (BUCKET, "{prefix}/readme", {"gone": PAST}),
    "an object outside the prefix": (BUCKET, "elsewhere/{drill}/state/one", {"gone": PAST}),
    "an expired tag of another drill than the folder": (BUCKET, "{prefix}/another/one", {"gone": PAST}),
    "an object in an expired drill's folder without a tag": (BUCKET, "{prefix}/gone/untagged", {}),
    "an object in an expired drill's folder that does not expire": (BUCKET, "{prefix}/gone/later", {"gone": FUTURE}),
    "a state beside the state": (STATES, "{state}.backup", {"gone": PAST}),
    "the state of another target": (STATES, "other/{state}", {"gone": PAST}),
    "the lock of another state": (STATES, "other/{state}.tflock", {"gone": PAST}),
    "the lease of another target": (STATES, "other/{state}.drproof-lease", {"gone": PAST}),
}


def plant(yard: Yard, drill: str) -> None:
    """Plant every kind once, and count from here on."""
    for kind, make in DECOYS.items():
        yard.named[kind] = make(yard, drill)
    words = {"prefix": PREFIX, "PREFIX": PREFIX.upper(), "drill": drill, "state": STATE_KEY}
    for kind, (bucket, key, tags) in OBJECTS.items():
        carried = {}
        for name, expires_at in tags.items():
            carried = {DRILL_TAG: name.format(**words), EXPIRES_TAG: expires_at}
        body = json.dumps({"drill_id": "gone", "fence": 1, "expires_at": PAST, "host": "h", "pid": 1}).encode()
        yard.named[kind] = yard.put(key.format(**words), carried, bucket=bucket, body=body)
    yard.planted = len(yard.world.calls())


def yard_in(directory: Path) -> Yard:
    """Return a world without decoys."""
    return Yard(embedded.start(directory, scenario="none", linger=3600))
