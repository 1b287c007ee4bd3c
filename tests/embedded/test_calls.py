"""The call log is evidence: every call, none of its secrets."""

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import RunningWorld, Start

FIELDS = {
    "n",
    "at",
    "account",
    "region",
    "service",
    "action",
    "method",
    "path",
    "bucket",
    "key",
    "status",
    "client_token",
    "named",
    "app",
    "expected_owner",
    "fault",
}


def test_every_call_is_one_line_with_its_fields_and_no_secret(start: Start) -> None:
    world = start()
    s3 = world.client("s3")
    s3.put_object(Bucket="atlas-recovery", Key="a/b", Body=b"the body", ExpectedBucketOwner="444455556666")
    s3.get_object(Bucket="atlas-recovery", Key="a/b")
    s3.list_objects_v2(Bucket="atlas-recovery")
    s3.list_object_versions(Bucket="atlas-recovery")
    s3.delete_objects(Bucket="atlas-recovery", Delete={"Objects": [{"Key": "a/b"}]})
    with pytest.raises(ClientError):
        s3.get_object(Bucket="atlas-recovery", Key="a/b")
    world.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, ClientToken="token-1")
    world.client("cloudwatch", "primary").describe_alarms()
    world.client("ssm").list_commands()
    text = (world.directory / "calls.jsonl").read_text()
    calls = [json.loads(line) for line in text.splitlines()]
    assert all(set(call) == FIELDS for call in calls)
    assert [call["n"] for call in calls] == list(range(1, len(calls) + 1))
    assert [(call["service"], call["action"], call["status"]) for call in calls] == [
        ("s3", "PutObject", 200),
        ("s3", "GetObject", 200),
        ("s3", "ListObjectsV2", 200),
        ("s3", "ListObjectVersions", 200),
        ("s3", "DeleteObjects", 200),
        ("s3", "GetObject", 404),
        ("ec2", "RunInstances", 200),
        ("monitoring", "DescribeAlarms", 200),
        ("ssm", "ListCommands", 200),
    ]
    assert (calls[0]["bucket"], calls[0]["key"], calls[0]["expected_owner"]) == (
        "atlas-recovery",
        "a/b",
        "444455556666",
    )
    assert (calls[0]["account"], calls[7]["account"]) == ("444455556666", "111122223333")
    assert (calls[0]["region"], calls[7]["region"]) == ("us-west-2", "us-east-1")
    assert calls[6]["client_token"] == "token-1"
    assert [call["named"] for call in calls if call["named"]] == [["a/b"]]
    for held in world.document["credentials"].values():
        assert held["secret_access_key"] not in text
        assert held["access_key_id"] not in text
    assert "the body" not in text
    assert world.control("GET", "calls")[1] == calls


def test_a_key_is_logged_and_stored_exactly_as_it_is(world: RunningWorld) -> None:
    s3 = world.client("s3")
    for key in ("x//y", "with space + plus", "später/ä%20b", "a?b#c", "runs/2026-01-01T00:00:00.1+00:00/f"):
        s3.put_object(Bucket="atlas-recovery", Key=f"exact/{key}", Body=b"1")
        assert world.control("GET", "calls")[1][-1]["key"] == f"exact/{key}"
        listed = s3.list_objects_v2(Bucket="atlas-recovery", Prefix=f"exact/{key}")["Contents"]
        assert [item["Key"] for item in listed] == [f"exact/{key}"]


def test_a_refused_call_is_logged_with_its_status_and_without_account(world: RunningWorld) -> None:
    with pytest.raises(ClientError):
        world.client("sts", key="AKIA" + "A" * 16).get_caller_identity()
    last = world.control("GET", "calls")[1][-1]
    assert (last["action"], last["status"], last["account"]) == ("GetCallerIdentity", 403, "")


def test_the_inventory_shows_what_exists_and_nothing_that_is_gone(start: Start) -> None:
    world = start()
    empty = world.control("GET", "inventory")[1]
    (module,) = empty.pop("objects")
    assert module["key"] == "modules/dr-runner.zip"
    assert empty == {
        "instances": [],
        "volumes": [],
        "interfaces": [],
        "security_groups": [],
        "others": [],
        "lock_items": [],
        "commands": [],
        "clusters": [],
    }
    s3, ec2 = world.client("s3"), world.client("ec2")
    version = s3.put_object(Bucket="atlas-recovery", Key="k", Body=b"12345")["VersionId"]
    s3.delete_object(Bucket="atlas-recovery", Key="k")
    group = ec2.create_security_group(GroupName="mine", Description="of the test", VpcId="embedded")["GroupId"]
    machine = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    found = world.control("GET", "inventory")[1]
    assert [item["id"] for item in found["instances"]] == [machine]
    assert len(found["volumes"]) == 1
    assert [item["id"] for item in found["security_groups"]] == [group]
    assert [
        (item["version"] == version, item["delete_marker"], item["size"])
        for item in found["objects"]
        if item["key"] == "k"
    ] == [
        (True, False, 5),
        (False, True, None),
    ]
