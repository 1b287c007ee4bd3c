"""A state or a lock that nobody can read is told, and keeps nothing else from being swept."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.effects import token_of
from drproof.engine.sweep import MACHINE
from drproof.engine.sweep_evidence import STARTED_IN, STARTING
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.criteria import Storing
from drproof.targets import embedded
from tests.shares import FEW
from tests.targets import shipped
from tests.targets.dead_drills import Left
from tests.targets.decoys import PAST, STATES

pytestmark = pytest.mark.costly(days=FEW)


@pytest.fixture
def left(world: embedded.World, stranger: Callable[[str], Any], tmp_path: Path) -> Left:
    return Left(world, stranger, tmp_path)


def started_by(left: Left) -> str:
    """Return a machine with the token that only the drill's own call could set; no state names it."""
    ec2 = left.stranger("ec2")
    tags = {DRILL_TAG: left.drill, EXPIRES_TAG: PAST, "Name": "runner"}
    made = ec2.run_instances(
        ImageId=ec2.describe_images()["Images"][0]["ImageId"],
        InstanceType="t4g.medium",
        MinCount=1,
        MaxCount=1,
        ClientToken=token_of(left.drill, STARTED_IN, STARTING, "runner"),
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    return str(made["Instances"][0]["InstanceId"])


@pytest.mark.parametrize(
    ("suffix", "kind", "body"),
    [("", "state", b"{}"), ("", "state", b"\x00"), (".direct.json", "state", b"null"), (".tflock", "lock", b"[")],
)
def test_what_of_a_state_nobody_can_read_is_told_and_keeps_no_expired_machine_up(
    left: Left, suffix: str, kind: str, body: bytes
) -> None:
    made = left.makes()
    own = started_by(left)
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key + suffix, Body=body)

    done = left.swept(yes=True)

    (unread,) = [item for item in done.items if item.identity.endswith(left.key + suffix) and item.kind == kind]
    assert unread.decision == "held"
    assert "what it holds nobody can read" in unread.why
    assert unread.next_step.startswith(f"aws s3api list-object-versions --region us-west-2 --bucket {STATES}")
    assert unread in done.remaining
    assert left.stranger("s3").get_object(Bucket=STATES, Key=left.key + suffix)["Body"].read() == body
    assert (MACHINE, own, "removed") in [(item.kind, item.identity, item.decision) for item in done.items]
    # What the unreadable state alone could name is somebody's whom nobody knows.
    assert shipped.is_there(left.stranger, made)["instance"] is not bool(suffix)
    assert left.holds()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"verb": "objects.put", "details": null}', {}),
        (b'{"verb": "objects.put", "details": {"keys": 5}}', {}),
        (b'{"verb": ["runner.up"], "token": {}}', {}),
        (b"[1]", {}),
        (b"{}", {"kind": "denied", "code": "InvalidObjectState"}),
    ],
    ids=["details null", "keys of a number", "verb of a list", "a list", "archived"],
)
def test_what_one_drill_announced_and_nobody_can_read_keeps_no_other_drill_up(
    left: Left, body: bytes, rule: dict[str, Any]
) -> None:
    """A lifecycle rule takes old receipts to an archive, from which they cannot be read."""
    uri, own = f"s3://atlas-receipts/of/{left.drill}", left.drill
    left.settings = replace(left.settings, storing=Storing(uri=uri, owner=left.settings.sites.recovery.owner))
    s3 = left.stranger("s3")
    s3.put_object(Bucket="atlas-receipts", Key=f"of/{own}/{own}/journal/1.json", Body=b'{"verb": "runner.up"}')
    due = started_by(left)
    left.drill = f"{own}-2"
    s3.put_object(Bucket="atlas-receipts", Key=f"of/{own}/{left.drill}/journal/1.json", Body=body)
    beside = started_by(left)
    if rule:
        rule = {"service": "s3", "action": "GetObject", "key": f"*{left.drill}/journal/*", "times": 0, **rule}
        embedded.ask(left.world.endpoint, "POST", "faults", rule)

    left.drill = own
    of_one = left.swept(yes=True)
    left.drill = f"{own}-2"
    of_two = left.swept(yes=True)
    embedded.ask(left.world.endpoint, "DELETE", "faults")

    assert (MACHINE, due, "removed") in [(item.kind, item.identity, item.decision) for item in of_one.items]
    (one,) = [item for item in of_two.items if item.identity == beside]
    if rule:
        assert one.decision == "foreign"
        assert "InvalidObjectState" in one.why
        assert "what drill" in one.why
    else:
        assert one.decision == "removed", "its client token says whose it is"


@pytest.mark.parametrize("rule", [{"kind": "denied"}, {"kind": "denied", "code": "ResourceNotFoundException"}])
def test_a_table_of_locks_that_nobody_may_read_keeps_no_machine_up_and_the_state_is_held(
    left: Left, table: str, rule: dict[str, Any]
) -> None:
    """The reaper's module grants that table only where it is told of it."""
    made = left.makes()
    recovery = left.settings.recovery
    provisioner = replace(recovery.provisioner, lock_table=table)
    left.settings = replace(left.settings, recovery=replace(recovery, provisioner=provisioner))
    rule = {"service": "dynamodb", "action": "GetItem", "times": 0, **rule}
    embedded.ask(left.world.endpoint, "POST", "faults", rule)

    done = left.swept(yes=True)
    embedded.ask(left.world.endpoint, "DELETE", "faults")

    assert shipped.is_there(left.stranger, made)["instance"] is False
    assert left.holds()
    held = {item.kind: item for item in done.items if item.decision == "held"}
    assert held["lock"].identity == f"dynamodb://{table}/{STATES}/{left.key}"
    assert "next" not in held["lock"].why
    assert "GetItem" in held["lock"].why
    assert held["state"].why.startswith("whether it is locked is not known")
    assert left.swept(yes=True).remaining == ()


@pytest.mark.parametrize("kind", ["aws_instance", "aws_security_group"])
@pytest.mark.parametrize("identity", [None, "", "nonsense"])
def test_a_thing_of_a_state_that_the_platform_cannot_ask_for_keeps_the_state_and_no_machine_up(
    left: Left, kind: str, identity: str | None
) -> None:
    made = left.makes()
    own = started_by(left)
    document = json.loads(made.state)
    for one in document["resources"]:
        if one["type"] == kind:
            one["instances"][0]["attributes"]["id"] = identity
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key, Body=json.dumps(document).encode())

    done = left.swept(yes=True)

    (state,) = [item for item in done.items if item.kind == "state"]
    assert state.decision == "held"
    assert kind in state.why
    assert left.holds()
    assert own in {item.identity for item in done.items if item.decision == "removed"}


@pytest.mark.parametrize("name", ["root_block_device", "ebs_block_device"])
def test_disks_of_another_form_in_a_state_end_no_sweep(left: Left, name: str) -> None:
    made = left.makes()
    document = json.loads(made.state)
    (machine,) = [one for one in document["resources"] if one["type"] == "aws_instance"]
    machine["instances"][0]["attributes"][name] = 5
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key, Body=json.dumps(document).encode())

    assert left.swept(yes=True).remaining == ()
    assert shipped.is_there(left.stranger, made)["instance"] is False
