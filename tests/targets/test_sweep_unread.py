"""A state or a lock that nobody can read is told, and keeps nothing else from being swept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.effects import token_of
from drproof.engine.sweep import MACHINE
from drproof.engine.sweep_evidence import STARTED_IN, STARTING
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded
from tests.targets import shipped
from tests.targets.dead_drills import Left
from tests.targets.decoys import PAST, STATES


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
