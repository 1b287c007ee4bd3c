"""A drill whose machine a build brings up, and one whose account may run no builds."""

import hashlib

import pytest

from tests.drill.conftest import Operator
from tests.drill.test_policy import allowed_to, made_by
from tests.roles.asked import note

pytestmark = pytest.mark.costly("a drill with builds")

PROJECT = "atlas-dr-infra"


@pytest.fixture(scope="session")
def drill(shelf):
    """One drill whose machine builds bring up; tests only look at it."""
    return shelf.drill("codebuild", lambda folder: Operator(folder).drill("--provisioner", "codebuild"))


def test_a_drill_with_builds_is_proven_and_names_the_build_and_its_receipt(drill):
    assert drill.status == 0, drill.output
    assert (drill.closing["outcome"], drill.verified().status) == ("proven", 0)
    brought = drill.receipts["bringup"]["observed"]
    assert (brought["provisioner"], brought["start"], brought["created"]) == ("codebuild", "cold", 1)
    build = brought["build"]
    assert build["project"] == PROJECT
    assert build["build_id"].startswith("atlas-dr-infra:")
    assert build["receipt_uri"] == f"s3://atlas-dr-tfstate/builds/{brought['origin']}/codebuild-bringup.json"
    assert len(build["receipt_sha256"]) == len(hashlib.sha256().hexdigest())
    assert len(drill.called("StartBuild")) == 2
    assert drill.inventory["instances"] == []


def test_no_right_of_the_builds_role_is_asked_of_the_caller(drill):
    asked = note("builds", "a drill whose machine builds bring up", drill.calls, app=PROJECT)
    made = made_by(call for call in drill.calls if not call["app"])
    allowed = allowed_to("codebuild")

    assert {"ec2:RunInstances", "s3:PutObject"} <= asked
    assert "codebuild:StartBuild" in {action for _, action in made}
    assert sorted(action for _, action in made - allowed) == []
    ours = {action for _, action in allowed}
    assert not {action for action in ours if action.startswith("iam:")}
    assert not {"ec2:CreateTags", "ec2:RunInstances", "ssm:GetParameter"} & ours


def test_a_quota_of_none_blocks_the_bringup_and_is_no_failed_recovery(injected):
    drill = injected("codebuild-quota-zero")

    bringup = drill.receipts["bringup"]
    assert (bringup["outcome"], bringup["cause"]) == ("blocked", "quota")
    assert (
        "next: request at least 1 of the quota 'Concurrently running builds for Linux/Medium environment': "
        "aws service-quotas request-service-quota-increase --region us-west-2 --service-code codebuild "
        "--quota-code L-EMBEDDED-LINUX-MEDIUM --desired-value 1; or pytest -m drill --provisioner terraform"
    ) in "\n".join(bringup["attempts"][0]["error_tail"])


def test_a_build_that_failed_is_told_with_its_command_and_leaves_nothing(injected):
    drill = injected("codebuild-fails")

    bringup = drill.receipts["bringup"]
    assert (bringup["outcome"], bringup["cause"]) == ("failed", "world")
    # Each attempt is a build of its own, not the answer that the first one got.
    assert len({attempt["error"].split()[1] for attempt in bringup["attempts"]}) == 3
    assert drill.inventory["instances"] == []
