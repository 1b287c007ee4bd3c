"""`drproof policy` prints what a preflight asks for, and nothing more."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drproof import catalog
from drproof.cli.app import app
from drproof.targets.aws.permissions import TABLE

DENIED_ONE_BY_ONE = {
    "iam:ListRolePolicies": "arn:aws:iam::444455556666:role/atlas-dr-runner*",
    "iam:ListAttachedRolePolicies": "arn:aws:iam::444455556666:role/atlas-dr-runner*",
    "iam:ListInstanceProfilesForRole": "arn:aws:iam::444455556666:role/atlas-dr-runner*",
    "iam:TagInstanceProfile": "arn:aws:iam::444455556666:instance-profile/atlas-dr-runner*",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _printed(*words: str) -> dict[str, list[str]]:
    """Return each action with the resources that the printed policy allows it on."""
    told = CliRunner().invoke(app, ["policy", "--target", "embedded", *words])
    assert told.exit_code == 0, told.output
    document: dict[str, Any] = json.loads(told.output)
    assert document["Version"] == "2012-10-17"
    found: dict[str, list[str]] = {}
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            found.setdefault(action, []).extend(statement["Resource"])
    return found


def test_what_a_drill_needs_at_the_recovery_site_is_bound_to_its_places():
    found = _printed("--provisioner", "direct")

    assert sorted(found["s3:PutObject"]) == [
        "arn:aws:s3:::atlas-dr-tfstate/atlas/dr/terraform/dr-runner.tfstate*",
        "arn:aws:s3:::atlas-recovery/drills/*",
    ]
    assert found["sns:Publish"] == ["arn:aws:sns:us-west-2:444455556666:atlas-dr-notifications"]
    assert "arn:aws:ec2:us-west-2:444455556666:instance/*" in found["ec2:RunInstances"]
    assert "*" not in found["ec2:TerminateInstances"]
    assert not any(action.endswith("*") for action in found), "no wildcard among actions"
    assert not {action for action in found if action.startswith(("iam:", "dynamodb:", "codebuild:", "kms:"))}


@pytest.mark.parametrize("words", [(), ("--provisioner", "terraform")])
def test_the_four_that_were_found_one_by_one_are_there_for_terraform(words):
    found = _printed(*words)

    # An action on roles meets no profile, whatever its statement names besides; nothing but the machine's is named.
    of_the_machine = set(DENIED_ONE_BY_ONE.values())
    for action, resource in DENIED_ONE_BY_ONE.items():
        assert resource in found[action]
        assert set(found[action]) <= of_the_machine


def test_the_original_site_is_only_read():
    found = _printed("--site", "primary")

    verbs = {action.partition(":")[2] for action in found}
    assert verbs
    assert all(verb.startswith(("BatchGet", "Describe", "Get", "List")) for verb in verbs), verbs


def test_a_lock_table_and_a_key_and_a_receipt_store_each_add_their_own(project):
    (project / "drproof.toml").write_text(
        'target = "embedded"\n[signing]\nsigner = "awskms:alias/drills"\n[receipts]\nuri = "s3://atlas-receipts/r"\n'
        '[recovery.provisioner]\nlock_table = "locks"\n'
    )
    told = CliRunner().invoke(app, ["policy"])
    assert told.exit_code == 0, told.output
    text = told.output
    assert '"arn:aws:dynamodb:us-west-2:444455556666:table/locks"' in text
    assert '"kms:Sign"' in text
    assert '"s3:PutObjectRetention"' in text
    assert '"arn:aws:s3:::atlas-receipts/r/*"' in text


def test_a_preflight_needs_to_simulate_and_changes_nothing():
    found = _printed("--plan", "preflight")

    assert "iam:SimulatePrincipalPolicy" in found
    assert "servicequotas:GetServiceQuota" in found
    verbs = {action.partition(":")[2] for action in found}
    assert all(verb.startswith(("BatchGet", "Describe", "Get", "List", "Simulate")) for verb in verbs), verbs


def test_every_verb_of_every_phase_has_a_row():
    used = {verb for phase in catalog.phases() for verb in phase.uses}

    assert used <= TABLE.keys()
    assert used, "phases say what they use"


def test_a_plan_that_is_none_is_refused():
    told = CliRunner().invoke(app, ["policy", "--target", "embedded", "--plan", "nothing"])

    assert told.exit_code == 2
    assert "nothing" in told.output
