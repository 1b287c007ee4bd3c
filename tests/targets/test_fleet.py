"""Machines: found by exactly their tags, created once per effect, waited for in bounded time."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from drproof.formats import timestamps
from drproof.model.capabilities import Fleet
from drproof.model.context import DRILL_TAG
from drproof.model.errors import NotFoundError, TargetError
from drproof.model.machines import ASKED_BY_NAME, Runner
from drproof.model.ownership import EFFECT_TAG
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.provisioners.machines import marked
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE
from tests.targets.conftest import make_intent, spec

LONG_MS = int(1000 * PATIENCE)


@pytest.fixture
def fleet(target: AwsTarget) -> AwsFleet:
    """The machines of the recovery site."""
    return target.recovery.fleet


@pytest.fixture
def origin() -> str:
    """A drill of this test's own."""
    return f"drill-{secrets.token_hex(4)}"


def launch(fleet: AwsFleet, origin: str, **changes: Any) -> Runner:
    """Create one machine of a drill and wait until it runs."""
    made = fleet.launch(make_intent(), marked(spec(origin, **changes), origin))
    return fleet.wait_until(made.instance_id, "running", timeout_ms=LONG_MS)


def test_a_machine_is_found_by_all_its_tags_and_no_fewer(fleet: AwsFleet, origin: str) -> None:
    made = launch(fleet, origin)
    assert [found.instance_id for found in fleet.runners({DRILL_TAG: origin, "Name": "atlas-dr-runner"})] == [
        made.instance_id
    ]
    assert fleet.runners({DRILL_TAG: origin, "Name": "another"}) == ()
    assert made.instance_type == "t4g.medium"
    assert made.launched_at.endswith("Z")
    assert made.tags["ManagedBy"] == "terraform"


def test_a_machine_says_when_it_was_first_launched_also_after_it_was_stopped_and_started(
    fleet: AwsFleet, origin: str, stranger: Callable[[str], Any]
) -> None:
    made = launch(fleet, origin)
    ec2 = stranger("ec2")
    # The platform tells whole seconds.
    while int(time.time()) <= timestamps.milliseconds(made.launched_at) // 1000:
        time.sleep(0.05)
    ec2.stop_instances(InstanceIds=[made.instance_id])
    ec2.start_instances(InstanceIds=[made.instance_id])

    again = fleet.wait_until(made.instance_id, "running", timeout_ms=LONG_MS)

    assert made.made_at.endswith("Z")
    assert again.made_at == made.made_at
    assert again.launched_at > made.launched_at, "as the platform does: the launch is told anew at each start"


def test_a_wildcard_in_a_tag_is_a_letter_like_others(fleet: AwsFleet, origin: str) -> None:
    launch(fleet, origin)
    assert fleet.runners({DRILL_TAG: origin[:-1] + "*"}) == ()
    assert fleet.tagged({DRILL_TAG: origin[:-1] + "?"}) == ()


def test_no_tag_at_all_never_means_everything(fleet: AwsFleet) -> None:
    for ask in (fleet.runners, fleet.tagged):
        with pytest.raises(ValueError, match="at least one tag"):
            ask({})


def test_the_same_effect_asked_twice_is_one_machine(fleet: AwsFleet, origin: str) -> None:
    asked, whole = make_intent(), marked(spec(origin), origin)
    first, second = fleet.launch(asked, whole), fleet.launch(asked, whole)
    assert first.instance_id == second.instance_id
    assert len(fleet.runners({DRILL_TAG: origin})) == 1


def test_what_is_asked_for_by_name_is_found_whatever_it_carries(
    fleet: AwsFleet, origin: str, stranger: Callable[[str], Any]
) -> None:
    ec2 = stranger("ec2")
    made = launch(fleet, origin)
    group = ec2.create_security_group(GroupName=origin, Description="x")["GroupId"]
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    disk = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    there = {
        "instance": made.instance_id,
        "key-pair": ec2.create_key_pair(KeyName=origin)["KeyPairId"],
        "network-interface": ec2.create_network_interface(SubnetId=ec2.describe_subnets()["Subnets"][0]["SubnetId"])[
            "NetworkInterface"
        ]["NetworkInterfaceId"],
        "security-group": group,
        "snapshot": ec2.create_snapshot(VolumeId=disk)["SnapshotId"],
        "volume": disk,
    }
    ec2.delete_tags(Resources=[made.instance_id])
    assert there.keys() == ASKED_BY_NAME
    assert {kind for kind, identity in there.items() if fleet.is_there(kind, identity)} == ASKED_BY_NAME

    ec2.terminate_instances(InstanceIds=[there["instance"]])
    fleet.wait_until(made.instance_id, "terminated", timeout_ms=LONG_MS)
    ec2.delete_key_pair(KeyName=origin)
    ec2.delete_network_interface(NetworkInterfaceId=there["network-interface"])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_snapshot(SnapshotId=there["snapshot"])
    ec2.delete_volume(VolumeId=disk)

    assert [kind for kind, identity in there.items() if fleet.is_there(kind, identity)] == []
    with pytest.raises(ValueError, match="vpc vpc-1 is not asked for by name; expected one of instance, key-pair"):
        fleet.is_there("vpc", "vpc-1")


def test_everything_that_carries_a_tag_is_counted(fleet: AwsFleet, origin: str, stranger: Callable[[str], Any]) -> None:
    ec2 = stranger("ec2")
    made = launch(fleet, origin)

    def tagged(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": [{"Key": DRILL_TAG, "Value": origin}]}]

    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(
        GroupName=origin, Description="x", VpcId=vpc, TagSpecifications=tagged("security-group")
    )["GroupId"]
    port = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tagged("network-interface"))
    key = ec2.create_key_pair(KeyName=origin, TagSpecifications=tagged("key-pair"))["KeyPairId"]
    (card,) = [
        found.identity
        for found in fleet.tagged({DRILL_TAG: origin})
        if found.tags.get(EFFECT_TAG) and found.kind == "network-interface"
    ]
    (root,) = [found.identity for found in fleet.tagged({DRILL_TAG: origin}) if found.kind == "volume"]
    copy = ec2.create_snapshot(VolumeId=root, TagSpecifications=tagged("snapshot"))["SnapshotId"]
    found = {(resource.kind, resource.identity) for resource in fleet.tagged({DRILL_TAG: origin})}
    assert found == {
        ("instance", made.instance_id),
        ("volume", root),
        ("security-group", group),
        ("network-interface", card),
        ("network-interface", port["NetworkInterface"]["NetworkInterfaceId"]),
        ("key-pair", key),
        ("snapshot", copy),
        ("vpc", vpc),
    }
    assert all(resource.tags[DRILL_TAG] == origin for resource in fleet.tagged({DRILL_TAG: origin}))


def test_a_machine_that_ended_is_counted_no_more(fleet: AwsFleet, origin: str) -> None:
    made = launch(fleet, origin)
    assert fleet.terminate(make_intent(), made.instance_id) in {"shutting-down", "terminated"}
    assert fleet.wait_until(made.instance_id, "terminated", timeout_ms=LONG_MS).state == "terminated"
    assert fleet.runners({DRILL_TAG: origin}) == ()
    assert fleet.tagged({DRILL_TAG: origin}) == ()
    with pytest.raises(TargetError, match="expected running, got terminated"):
        fleet.wait_until(made.instance_id, "running", timeout_ms=LONG_MS)


def test_waiting_ends_when_the_time_is_over(fleet: AwsFleet, origin: str) -> None:
    made = launch(fleet, origin)
    begin = time.monotonic()
    with pytest.raises(TargetError, match="expected stopped within 300 ms, got running") as caught:
        fleet.wait_until(made.instance_id, "stopped", timeout_ms=300)
    assert caught.value.code == "Timeout"
    assert time.monotonic() - begin < PATIENCE


def test_a_machine_that_does_not_exist_cannot_be_ended_or_awaited(fleet: AwsFleet) -> None:
    nobody = "i-0123456789abcdef0"
    with pytest.raises(NotFoundError, match=nobody):
        fleet.terminate(make_intent(), nobody)
    with pytest.raises(NotFoundError, match=nobody):
        fleet.wait_until(nobody, "terminated", timeout_ms=300)
    with pytest.raises(TargetError, match="got not found"):
        fleet.wait_until(nobody, "running", timeout_ms=300)


def test_a_machine_must_carry_its_drills_tag(origin: str) -> None:
    with pytest.raises(ValueError, match=rf"expected the tag {DRILL_TAG}={origin}"):
        marked(spec(origin, tags={}), origin)


def test_the_adapter_is_the_models_fleet(fleet: AwsFleet) -> None:
    asked: Fleet = fleet
    assert asked is fleet
