"""EC2 as the world serves it: tokens, states, tags and disks."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.patience import until

from .conftest import RunningWorld, Start

TAGS = [{"Key": "Name", "Value": "tested"}]


def run(world: RunningWorld, token: str, **more: Any) -> dict[str, Any]:
    both = [
        {"ResourceType": kind, "Tags": [*TAGS, {"Key": "token", "Value": token}]} for kind in ("instance", "volume")
    ]
    asked = {"ImageId": world.document["site"]["image_id"], "InstanceType": "t4g.medium", "SubnetId": "embedded"} | more
    started = world.client("ec2").run_instances(
        MinCount=1, MaxCount=1, ClientToken=token, TagSpecifications=both, **asked
    )
    return dict(started["Instances"][0])


def found(world: RunningWorld, token: str) -> list[dict[str, Any]]:
    pages = world.client("ec2").describe_instances(Filters=[{"Name": "tag:token", "Values": [token]}])["Reservations"]
    return [machine for each in pages for machine in each["Instances"]]


def disks(world: RunningWorld, token: str) -> list[dict[str, Any]]:
    asked = [{"Name": "tag:token", "Values": [token]}]
    return list(world.client("ec2").describe_volumes(Filters=asked)["Volumes"])


def test_the_same_token_is_the_same_machine(world: RunningWorld) -> None:
    assert run(world, "same")["InstanceId"] == run(world, "same")["InstanceId"]
    assert len(found(world, "same")) == 1


def test_a_token_remembers_its_machine_after_that_was_terminated(world: RunningWorld) -> None:
    machine = run(world, "past")["InstanceId"]
    world.client("ec2").terminate_instances(InstanceIds=[machine])
    assert run(world, "past")["InstanceId"] == machine
    assert len(found(world, "past")) == 1


def test_the_same_token_with_other_parameters_is_refused(world: RunningWorld) -> None:
    run(world, "other")
    with pytest.raises(ClientError) as refused:
        run(world, "other", InstanceType="t4g.large")
    assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatch"
    assert len(found(world, "other")) == 1


def test_tags_reach_the_machine_and_its_disk_of_eight_gib(world: RunningWorld) -> None:
    machine = run(world, "tags")
    (disk,) = disks(world, "tags")
    wanted = {"Name": "tested", "token": "tags"}
    assert {tag["Key"]: tag["Value"] for tag in machine["Tags"]} == wanted
    assert {tag["Key"]: tag["Value"] for tag in disk["Tags"]} == wanted
    assert disk["Size"] == 8
    assert disk["Attachments"][0]["InstanceId"] == machine["InstanceId"]


def test_a_machine_takes_its_time_to_run_and_to_end_and_its_disk_ends_with_it(world: RunningWorld) -> None:
    ec2 = world.client("ec2")
    machine = run(world, "states")
    assert machine["State"]["Name"] == "pending"
    until(lambda: found(world, "states")[0]["State"]["Name"] == "running")
    assert len(disks(world, "states")) == 1
    # In the answer itself: whoever asks again may come too late for a state that passes.
    (ending,) = ec2.terminate_instances(InstanceIds=[machine["InstanceId"]])["TerminatingInstances"]
    assert (ending["PreviousState"]["Name"], ending["CurrentState"]["Name"]) == ("running", "shutting-down")
    until(lambda: found(world, "states")[0]["State"]["Name"] == "terminated")
    assert disks(world, "states") == []


def test_a_machine_terminated_while_pending_does_not_run_later(world: RunningWorld) -> None:
    machine = run(world, "early")
    world.client("ec2").terminate_instances(InstanceIds=[machine["InstanceId"]])
    until(lambda: found(world, "early")[0]["State"]["Name"] == "terminated")
    assert found(world, "early")[0]["State"]["Name"] == "terminated"


def test_embedded_names_the_default_network_and_its_default_group(world: RunningWorld) -> None:
    ec2 = world.client("ec2")
    machine = run(world, "network")
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    assert machine["VpcId"] == default
    assert ec2.describe_vpcs(VpcIds=["embedded"])["Vpcs"][0]["VpcId"] == default
    assert ec2.describe_subnets(SubnetIds=["embedded"])["Subnets"][0]["VpcId"] == default
    assert [group["GroupName"] for group in machine["SecurityGroups"]] == ["default"]


def test_a_new_machine_has_a_furnished_disk(world: RunningWorld) -> None:
    machine = run(world, "furnished")["InstanceId"]
    root = Path(world.document["instances"]) / machine / "root"
    assert (root / "etc/hostname").read_text() == f"{machine}\n"
    assert "kind: Config" in (root / "etc/rancher/k3s/k3s.yaml").read_text()
    assert (root / "srv/README").is_file()
    assert (root / "var/log").is_dir()


def test_starting_machines_is_refused_where_terraform_apply_must_fail(start: Start) -> None:
    world = start("terraform-apply-fails")
    with pytest.raises(ClientError) as refused:
        run(world, "refused")
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert world.control("GET", "inventory")[1]["instances"] == []


def test_the_disk_outlives_its_machine_where_residue_must_be_left(start: Start) -> None:
    world = start("teardown-leaves-residue")
    machine = run(world, "residue")["InstanceId"]
    world.client("ec2").terminate_instances(InstanceIds=[machine])
    until(lambda: found(world, "residue")[0]["State"]["Name"] == "terminated")
    (disk,) = disks(world, "residue")
    assert disk["State"] == "available"
    assert {"Key": "token", "Value": "residue"} in disk["Tags"]


def test_a_stranger_looks_like_the_runner_where_there_must_be_two(start: Start, names: dict[str, Any]) -> None:
    world = start("two-runners")
    pages = world.client("ec2").describe_instances()["Reservations"]
    (machine,) = [machine for each in pages for machine in each["Instances"]]
    assert {tag["Key"]: tag["Value"] for tag in machine["Tags"]} == {
        "Name": names["recovery"]["runner_name"],
        "Purpose": names["recovery"]["runner_purpose"],
        "ManagedBy": "terraform",
    }
    assert machine["InstanceId"] == world.document["site"]["stranger"]


def test_a_machine_is_in_the_groups_that_its_interface_was_made_with(world: RunningWorld) -> None:
    ec2 = world.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="of-the-interface", Description="x", VpcId=subnet["VpcId"])["GroupId"]
    card = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [group], "AssociatePublicIpAddress": True}
    image = world.document["site"]["image_id"]
    made = ec2.run_instances(
        ImageId=image, InstanceType="t4g.medium", MinCount=1, MaxCount=1, NetworkInterfaces=[card]
    )["Instances"][0]
    (told,) = ec2.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"]
    assert [one["GroupId"] for one in told["SecurityGroups"]] == [group]
    assert [one["GroupId"] for one in told["NetworkInterfaces"][0]["Groups"]] == [group]
