"""A sweep of what Terraform made: what the state names goes, state last; what may not go is said, and counted."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.lease import Lease
from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.engine.sweep_documents import SweepRecord
from drproof.model.capabilities import Intent
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.criteria import Storing
from drproof.model.errors import LeaseError, TargetError
from drproof.model.machines import Resource
from drproof.targets import embedded, open_target
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.s3_receipts import AwsReceiptStore
from tests.shares import FEW
from tests.targets import shipped
from tests.targets.conftest import make_intent, spec
from tests.targets.dead_drills import Left
from tests.targets.decoys import FUTURE, PAST, STATES

pytestmark = pytest.mark.costly(days=FEW)

ALL = frozenset({"instance", "security-group", "role", "instance-profile"})
OF_ANOTHER_MODULE: dict[str, Any] = {"aws_db_instance": {"id": "theirs", "tags": {}}}


@pytest.fixture
def left(world: embedded.World, stranger: Callable[[str], Any], tmp_path: Path) -> Left:
    return Left(world, stranger, tmp_path)


def came(record: SweepRecord) -> dict[str, str]:
    return {item.kind: item.decision for item in record.items}


def test_what_the_state_names_goes_with_its_role_and_the_state_last(left: Left) -> None:
    made = left.makes()
    kinds = {*ALL, "volume", "state"}

    told = left.swept()
    assert came(told) == dict.fromkeys(kinds, "due")
    (state,) = [item for item in told.items if item.kind == "state"]
    assert "it goes after aws_instance.runner" in state.why
    assert set(shipped.is_there(left.stranger, made).values()) == {True}

    done = left.swept(yes=True)

    assert came(done) == dict.fromkeys(kinds, "removed")
    assert set(shipped.is_there(left.stranger, made).values()) == {False}
    assert not left.holds()
    journal = (left.folder / "sweeps" / f"{done.sweep_id}.journal.log").read_text()
    assert [journal.index(f'"sweep.{kind}"') for kind in ("instance", "instance-profile", "role", "state")] == sorted(
        journal.index(f'"sweep.{kind}"') for kind in ("instance", "instance-profile", "role", "state")
    )


def test_what_does_not_expire_yet_is_left_and_nothing_remains_to_be_done(left: Left) -> None:
    made = left.makes(FUTURE)

    done = left.swept(yes=True)

    assert set(came(done).values()) == {"left"}
    assert {f"it expires at {FUTURE}" in item.why for item in done.items} == {True}
    assert done.remaining == ()
    assert set(shipped.is_there(left.stranger, made).values()) == {True}


@pytest.mark.parametrize("of_the_group", [FUTURE, "soon"])
def test_a_state_goes_no_earlier_than_the_last_of_its_things(left: Left, of_the_group: str) -> None:
    made = left.makes()
    document = json.loads(made.state)
    (group,) = [one for one in document["resources"] if one["type"] == "aws_security_group"]
    group["instances"][0]["attributes"]["tags"][EXPIRES_TAG] = of_the_group
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key, Body=json.dumps(document).encode())

    (state,) = [item for item in left.swept().items if item.kind == "state"]

    assert state.decision == "left"
    assert of_the_group in state.why


def test_a_state_with_something_of_another_module_is_held_and_counted_with_the_command(left: Left) -> None:
    made = left.makes(**OF_ANOTHER_MODULE)

    done = left.swept(yes=True)

    (state,) = done.remaining
    assert done.items[0] is state, "what somebody has to look at comes first"
    assert (state.kind, state.decision) == ("state", "held")
    assert state.why == "it holds aws_db_instance.theirs, which a sweep cannot take away"
    assert state.next_step == f"pytest -m drill --start-at teardown --receipt-dir reports/{left.drill}"
    assert left.holds()
    # A machine costs on: it goes all the same. The role stays with the state that names it.
    assert shipped.is_there(left.stranger, made) == {
        "instance": False,
        "security-group": False,
        "role": True,
        "instance-profile": True,
    }


@pytest.mark.parametrize("closed", [False, True])
def test_where_the_receipt_store_carries_the_drill_on_the_command_is_to_resume_it(left: Left, closed: bool) -> None:
    left.makes(**OF_ANOTHER_MODULE)
    s3, uri = left.stranger("s3"), f"s3://atlas-receipts/of/{left.drill}"
    s3.put_object(Bucket="atlas-receipts", Key=f"of/{left.drill}/{left.drill}/journal/1.json", Body=b"{}")
    if closed:
        s3.put_object(Bucket="atlas-receipts", Key=f"of/{left.drill}/{left.drill}/bundle/closing.dsse.json", Body=b"{}")
    storing = Storing(uri=uri, owner=left.settings.sites.recovery.owner)
    left.settings = replace(left.settings, storing=storing)

    (state,) = [item for item in left.swept().items if item.kind == "state"]

    by_hand = f"pytest -m drill --start-at teardown --receipt-dir reports/{left.drill}"
    assert state.next_step == (by_hand if closed else f"drproof resume {uri}/{left.drill}")


def test_a_role_whose_tag_names_another_drill_is_foreign_and_keeps_the_state(left: Left) -> None:
    made = left.makes()
    left.is_soon_given_up()
    left.stranger("iam").tag_role(RoleName=made.name, Tags=[{"Key": DRILL_TAG, "Value": "another"}])

    done = left.swept(yes=True)

    kinds = {item.kind: item for item in done.remaining}
    assert {kind: item.decision for kind, item in kinds.items()} == {"role": "foreign", "state": "failed"}
    assert kinds["role"].why == f"its tag names drill another, and the state {left.drill}"
    assert kinds["state"].why == f"what it stands for is still there: aws_iam_role.runner {made.name}"
    assert shipped.is_there(left.stranger, made)["role"]
    assert left.holds()


def test_a_role_with_something_of_somebody_else_on_it_is_kept_by_the_platform_and_told(left: Left) -> None:
    made = left.makes()
    iam = left.stranger("iam")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=made.name, PolicyName="theirs", PolicyDocument=json.dumps(policy))

    done = left.swept(yes=True)

    assert {item.kind: item.decision for item in done.remaining} == {"role": "failed", "state": "failed"}
    assert "DeleteConflict" in next(item.why for item in done.remaining if item.kind == "role")
    iam.delete_role_policy(RoleName=made.name, PolicyName="theirs")
    assert left.swept(yes=True).remaining == ()
    assert not left.holds()


def test_a_profile_that_a_killed_terraform_gave_no_role_goes_as_well(left: Left) -> None:
    made = left.makes()
    left.stranger("iam").remove_role_from_instance_profile(InstanceProfileName=made.name, RoleName=made.name)
    document = json.loads(made.state)
    (profile,) = [one for one in document["resources"] if one["type"] == "aws_iam_instance_profile"]
    profile["instances"][0]["attributes"]["role"] = None
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key, Body=json.dumps(document).encode())

    done = left.swept(yes=True)

    assert set(came(done).values()) == {"removed"}, done.items
    assert set(shipped.is_there(left.stranger, made).values()) == {False}
    assert not left.holds()


def test_where_roles_may_not_be_looked_at_the_machine_goes_and_the_state_is_held(left: Left) -> None:
    made = left.makes()
    for action in ("GetRole", "GetInstanceProfile"):
        rule = {"kind": "denied", "service": "iam", "action": action, "times": 0}
        embedded.ask(left.world.endpoint, "POST", "faults", rule)
    try:
        done = left.swept(yes=True)
    finally:
        embedded.ask(left.world.endpoint, "DELETE", "faults")

    (state,) = done.remaining
    assert (state.kind, state.decision) == ("state", "held")
    assert "whether all of it is gone is not known: aws_iam_instance_profile.runner" in state.why
    assert "AccessDenied" in state.why
    assert not shipped.is_there(left.stranger, made)["instance"]


def test_a_state_that_was_lost_leaves_its_machine_as_foreign(left: Left) -> None:
    """Nothing says any more that the drill made it: its client token is Terraform's, and tags can be copied."""
    made = left.makes()
    left.stranger("s3").delete_object(Bucket=STATES, Key=left.key)

    done = left.swept(yes=True)

    assert came(done) == {"instance": "foreign", "volume": "foreign", "security-group": "foreign"}
    assert {item.next_step.partition(":")[0] for item in done.remaining} == {
        "look whose it is, no journal of this drill made it"
    }
    assert set(shipped.is_there(left.stranger, made).values()) == {True}


def test_a_sweep_that_loses_its_lease_half_way_says_what_went_and_what_did_not(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = left.makes()
    check = Lease.check

    def lost(lease: Lease) -> None:
        check(lease)
        if not shipped.is_there(left.stranger, made)["instance"]:
            raise LeaseError("the lease was taken over")

    monkeypatch.setattr(Lease, "check", lost)

    done = left.swept(yes=True)

    assert done.obstacle == "the lease was taken over"
    assert came(done) == {
        **dict.fromkeys(("instance", "volume"), "removed"),
        **dict.fromkeys(("security-group", "role", "instance-profile", "state"), "due"),
    }
    assert shipped.is_there(left.stranger, made)["role"]


def test_a_sweep_that_may_not_write_its_end_down_renews_its_lease_no_more(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that is kept warm would hold the target against every drill and every later sweep."""
    left.makes()
    storing = Storing(uri=f"s3://atlas-receipts/of/{left.drill}", owner=left.settings.sites.recovery.owner)
    left.settings = replace(left.settings, storing=storing)
    key = f"of/{left.drill}/{left.drill}/journal/1.json"
    left.stranger("s3").put_object(Bucket="atlas-receipts", Key=key, Body=b"{}")
    create = AwsReceiptStore.create

    def full(store: AwsReceiptStore, intent: Intent, bucket: str, key: str, body: bytes, **more: Any) -> str:
        if intent.verb == "lease.release":
            raise TargetError("the store is full", code="InternalError")
        return create(store, intent, bucket, key, body, **more)

    monkeypatch.setattr(AwsReceiptStore, "create", full)

    done = left.swept(yes=True)

    assert {item.decision for item in done.items} <= {"removed", "foreign"}
    assert [one.name for one in threading.enumerate() if one.name == "drproof-lease"] == []


def test_a_version_of_the_state_that_the_platform_keeps_is_told_as_failed(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No listing shows it any more, and it is not gone."""
    from drproof.targets.aws.s3 import AwsObjectStore

    left.makes()
    delete = AwsObjectStore._delete_versions

    def kept(store: AwsObjectStore, intent: Any, bucket: str, versions: Any) -> None:
        if intent.verb == "sweep.state":
            answer = {"Errors": [{"Key": left.key, "Code": "AccessDenied", "Message": "kept by its retention"}]}
            monkeypatch.setattr(store._client, "delete_objects", lambda **_: answer)
        try:
            delete(store, intent, bucket, versions)
        finally:
            if intent.verb == "sweep.state":
                monkeypatch.delattr(store._client, "delete_objects")

    monkeypatch.setattr(AwsObjectStore, "_delete_versions", kept)

    (state,) = left.swept(yes=True).remaining

    assert (state.kind, state.decision) == ("state", "failed")
    assert "kept by its retention" in state.why


@pytest.mark.parametrize("service", ["*", "ec2"])
def test_a_sweep_whose_credentials_end_half_way_leaves_a_record_of_what_it_began(
    left: Left, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    made = left.makes()
    remove = AwsFleet.remove

    def last(fleet: AwsFleet, intent: Intent, resource: Resource) -> None:
        remove(fleet, intent, resource)
        # A key that has expired would not come back for the tests that share this world.
        rule = {"kind": "denied", "code": "ExpiredToken", "service": service, "times": 0}
        embedded.ask(left.world.endpoint, "POST", "faults", rule)

    monkeypatch.setattr(AwsFleet, "remove", last)
    try:
        done = left.swept(yes=True)
    finally:
        embedded.ask(left.world.endpoint, "DELETE", "faults")

    assert "ExpiredToken" in done.obstacle
    assert came(done) == {
        "instance": "failed",
        **dict.fromkeys(("volume", "security-group", "role", "instance-profile", "state"), "due"),
    }
    (file,) = (left.folder / "sweeps").glob("sweep-*.json")
    assert "ExpiredToken" in json.loads(file.read_bytes())["obstacle"]
    assert [one.name for one in threading.enumerate() if one.name == "drproof-lease"] == []
    assert not shipped.is_there(left.stranger, made)["instance"]


def of_nobody(*resources: tuple[str, dict[str, Any]]) -> bytes:
    """Return a state whose things carry no tags."""
    found = [
        {"mode": "managed", "type": kind, "name": "image", "instances": [{"attributes": attributes}]}
        for kind, attributes in resources
    ]
    return json.dumps({"version": 4, "resources": found}).encode()


IMAGE = ("terraform_data", {"id": "x", "input": {"value": "ami-0123456789abcdef0", "type": "string"}})
ATTACHED = ("aws_iam_role_policy_attachment", {"id": "x", "role": "r", "policy_arn": shipped.SSM})
DATABASE = ("aws_db_instance", {"id": "theirs"})
BY_ITS_MODULE = (
    "terraform init -backend-config=bucket={bucket} -backend-config=key={key} -backend-config=region=us-west-2 "
    "&& terraform destroy, in the folder of the module that made it"
)
CLEARED = "aws s3api delete-object --region us-west-2 --bucket {bucket} --key {key}"


@pytest.mark.parametrize(
    ("things", "command"),
    [
        ((IMAGE,), CLEARED),
        (
            (IMAGE, ATTACHED),
            f"aws iam detach-role-policy --role-name r --policy-arn {shipped.SSM} && {CLEARED}",
        ),
        (
            (IMAGE, DATABASE),
            BY_ITS_MODULE,
        ),
    ],
)
def test_a_state_that_does_not_say_whose_it_is_is_told_with_the_command_that_clears_it(
    left: Left, things: tuple[tuple[str, dict[str, Any]], ...], command: str
) -> None:
    """No drill works beside it: where nobody says how it goes, the target is lost for ever."""
    left.stranger("s3").put_object(Bucket=STATES, Key=left.key, Body=of_nobody(*things))
    target = open_target(left.settings, left.world.endpoint, directory=left.folder, origin=left.drill)

    found = sweep(target, left.settings, Asked(yes=True), left.folder / "sweeps")

    (state,) = [item for item in found.items if item.kind == "state"]
    assert state.decision == "left"
    assert state.why.endswith(f"if nobody needs that: {command.format(bucket=STATES, key=left.key)}")
    assert left.holds()
    with pytest.raises(TargetError, match="next: drproof gc, which prints the command that clears it"):
        target.recovery.provisioner.up(make_intent(), spec(left.drill))


def test_the_first_thing_that_the_shipped_module_makes_says_whose_state_it_is(left: Left) -> None:
    """An apply that was refused right after it would leave a state that no drill takes away."""
    tags = {DRILL_TAG: left.drill, EXPIRES_TAG: PAST}
    value = {"value": {"id": "ami-0123456789abcdef0", "tags": tags}, "type": ["object", {}]}
    left.stranger("s3").put_object(
        Bucket=STATES, Key=left.key, Body=of_nobody(("terraform_data", {"id": "x", "input": value}))
    )

    done = left.swept(yes=True)

    assert came(done) == {"state": "removed"}
    assert not left.holds()
