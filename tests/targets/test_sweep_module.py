"""A sweep takes away what Terraform made with the shipped module, by the real binary and the AWS provider."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded, open_target
from tests.targets.conftest import make_intent, settings, spec
from tests.targets.decoys import PAST, STATES
from tests.targets.test_recovery_module import SHA256, _unique, network  # noqa: F401 — a fixture
from tests.terraform_here import MIRROR, needs_provider

pytestmark = pytest.mark.costly("a sweep of the shipped module")

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


@needs_provider
@pytest.mark.parametrize("touched", [False, True], ids=["as it was made", "with a policy of somebody else"])
def test_what_the_shipped_module_made_goes_or_is_said_to_be_there(
    touched: bool,
    world: embedded.World,
    tmp_path: Path,
    network: dict[str, str],  # noqa: F811
    stranger: Callable[[str], Any],
) -> None:
    drill = f"dead-{secrets.token_hex(4)}"
    key = f"t/{drill}.tfstate"
    variables = {"ami_id": network["ami_id"], "k3s_sha256": SHA256}
    chosen = settings("terraform", key=key, module="aws", variables=variables, provider_mirror=MIRROR)
    target = open_target(chosen, world.endpoint, directory=tmp_path, origin=drill)
    machine = spec(
        drill,
        vpc_id=network["vpc_id"],
        subnet_id=network["subnet_id"],
        tags={DRILL_TAG: drill, EXPIRES_TAG: PAST},
    )
    made = target.recovery.provisioner.up(make_intent(), machine)
    iam, name = stranger("iam"), _unique(drill)
    if touched:
        iam.put_role_policy(RoleName=name, PolicyName="theirs", PolicyDocument=json.dumps(POLICY))

    told = sweep(target, chosen, Asked(drill=drill), tmp_path / "sweeps")

    kinds = {"instance", "volume", "security-group", "instance-profile", "role", "state"}
    assert {item.kind: item.decision for item in told.items} == dict.fromkeys(kinds, "due")
    assert target.recovery.fleet.is_there("instance", made.created_ids[0])

    done = sweep(target, chosen, Asked(drill=drill, yes=True), tmp_path / "sweeps")

    came = {item.kind: item.decision for item in done.items}
    left = {item.kind: item for item in done.remaining}
    if touched:
        assert came == {**dict.fromkeys(kinds, "removed"), "role": "failed", "state": "failed"}
        assert "DeleteConflict" in left["role"].why
        assert left["state"].why == f"what it stands for is still there: aws_iam_role.runner {name}"
        assert left["state"].next_step == f"pytest -m drill --start-at teardown --receipt-dir reports/{drill}"
        iam.delete_role_policy(RoleName=name, PolicyName="theirs")
        again = sweep(target, chosen, Asked(drill=drill, yes=True), tmp_path / "sweeps")
        came.update({item.kind: item.decision for item in again.items})
    assert came == dict.fromkeys(kinds, "removed")
    assert target.recovery.provisioner.holds() == ()
    assert list(target.recovery.fleet.tagged({DRILL_TAG: drill})) == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_instance_profile(InstanceProfileName=name)
    assert [one.key for one in target.recovery.objects.list(STATES, key)] == []
