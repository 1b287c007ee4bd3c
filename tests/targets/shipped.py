"""What Terraform makes with the shipped module, made without Terraform: the state is a recorded one, the rest is real."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.model.context import DRILL_TAG, EXPIRES_TAG

RECORDED = Path(__file__).parent / "data" / "shipped_module.tfstate.json"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """The things of one drill, by the names of the platform."""

    drill: str
    machine: str
    group: str
    name: str
    """Of the role and of the instance profile."""
    state: str
    """The text of the state."""


def make(client: Callable[[str], Any], drill: str, expires_at: str, **more: Mapping[str, Any]) -> Shipped:
    """Make everything that the module makes, with the drill's tags; `more` are further resources, address by type."""
    ec2, iam, name = client("ec2"), client("iam"), f"atlas-dr-runner-{drill}"
    tags = [{"Key": DRILL_TAG, "Value": drill}, {"Key": EXPIRES_TAG, "Value": expires_at}]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=tags)
    iam.attach_role_policy(RoleName=name, PolicyArn=SSM)
    iam.create_instance_profile(InstanceProfileName=name, Tags=tags)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    made = ec2.create_security_group(
        GroupName=name, Description="x", TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}]
    )
    image = ec2.describe_images(Owners=["self"])["Images"] or ec2.describe_images()["Images"]
    machine = ec2.run_instances(
        ImageId=image[0]["ImageId"],
        InstanceType="t4g.medium",
        MinCount=1,
        MaxCount=1,
        ClientToken=f"terraform-{drill}",
        SecurityGroupIds=[made["GroupId"]],
        TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
    )["Instances"][0]
    words = {
        "machine": machine["InstanceId"],
        "interface": machine["NetworkInterfaces"][0]["NetworkInterfaceId"],
        "group": made["GroupId"],
        "name": name,
        "drill": drill,
    }
    document = json.loads(RECORDED.read_text().replace("2020-01-01T00:00:00.000Z", expires_at))
    document["resources"] += [
        {"mode": "managed", "type": kind, "name": "theirs", "instances": [{"attributes": dict(attributes)}]}
        for kind, attributes in more.items()
    ]
    text = json.dumps(document)
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return Shipped(drill=drill, machine=words["machine"], group=made["GroupId"], name=name, state=text)


def is_there(client: Callable[[str], Any], shipped: Shipped) -> dict[str, bool]:
    """Return which of the things are still there."""
    ec2, iam = client("ec2"), client("iam")
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [shipped.group]}])["SecurityGroups"]
    found = ec2.describe_instances(InstanceIds=[shipped.machine])["Reservations"]
    roles = {one["RoleName"] for page in iam.get_paginator("list_roles").paginate() for one in page["Roles"]}
    profiles = {one["InstanceProfileName"] for one in iam.list_instance_profiles()["InstanceProfiles"]}
    return {
        "instance": bool(found) and found[0]["Instances"][0]["State"]["Name"] not in {"shutting-down", "terminated"},
        "security-group": bool(groups),
        "role": shipped.name in roles,
        "instance-profile": shipped.name in profiles,
    }
