"""What a lost state leaves without a tag is named with the command that removes it, and nothing else is."""

from dataclasses import replace

import pytest

from drproof.contracts.teardown.state import state_held_what_was_created
from drproof.model.verdict import Status
from drproof.phases.recovery.by_hand import COMMANDS, NAMED, called, commands, of_a_lock, of_a_state
from tests.contracts.evidence import PASSING
from tests.contracts.observed import TORN_DOWN

ARN = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
FROM_PROFILE = "aws iam remove-role-from-instance-profile --instance-profile-name atlas-1a2b --role-name atlas-1a2b"
HELD = (
    "aws_iam_instance_profile.runner atlas-1a2b|atlas-1a2b",
    "aws_iam_role.runner atlas-1a2b",
    f"aws_iam_role_policy_attachment.ssm atlas-1a2b|{ARN}",
    "aws_instance.runner",
    "terraform_data.runner",
)


def test_each_that_no_tag_finds_has_one_command_in_the_order_in_which_they_work() -> None:
    assert commands(HELD) == (
        f"aws iam detach-role-policy --role-name atlas-1a2b --policy-arn {ARN}",
        f"{FROM_PROFILE} && aws iam delete-instance-profile --instance-profile-name atlas-1a2b",
        "aws iam delete-role --role-name atlas-1a2b",
    )


def test_a_name_that_is_no_word_of_a_shell_stays_a_name() -> None:
    """A state and the note on a lock are what somebody wrote into a bucket, and an operator types what is printed."""
    where = {"bucket": "b", "key": "a b/x", "region": "r", "table": "locks"}
    assert commands(["aws_iam_role.r x;y"]) == ("aws iam delete-role --role-name 'x;y'",)
    assert of_a_lock("$(x)", **where, beside=True).endswith("terraform force-unlock '$(x)'")
    assert "-backend-config='key=a b/x'" in of_a_lock("1", **where, beside=True)
    assert of_a_state([], bucket="b", key="a b", region="r").endswith("--key 'a b'")


def test_a_lock_without_an_id_is_taken_away_by_its_name() -> None:
    """Terraform gives back none that it is not told the id of."""
    where = {"bucket": "b", "key": "k", "region": "r", "table": "locks"}
    assert of_a_lock("", **where, beside=True) == "aws s3api delete-object --region r --bucket b --key k.tflock"
    item = """--table-name locks --key '{"LockID": {"S": "b/k"}}'"""
    assert of_a_lock("", **where, beside=False) == f"aws dynamodb delete-item --region r {item}"


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ('module.dr.aws_iam_role.runner["a"] theirs', ("aws iam delete-role --role-name theirs",)),
        ("aws_iam_role.runner", ()),
        ("aws_instance.runner i-1", ()),
        ("", ()),
    ],
)
def test_a_command_is_only_told_where_the_name_is_known(held: str, expected: tuple[str, ...]) -> None:
    assert commands([held]) == expected


def test_a_resource_is_called_by_what_its_command_needs() -> None:
    assert set(COMMANDS) == set(NAMED)
    assert called("aws_iam_role", {"name": "r", "id": "r"}) == "r"
    assert called("aws_iam_role_policy_attachment", {"role": "r", "policy_arn": ARN}) == f"r|{ARN}"
    assert called("aws_iam_instance_profile", {"name": "p", "role": None}) == ""
    assert called("aws_instance", {"name": "m", "id": "i-1"}) == ""


def test_the_verdict_on_a_lost_state_names_the_commands() -> None:
    lost = replace(TORN_DOWN, made=HELD, held_before=(), held_after=())
    finding = state_held_what_was_created.decide(replace(PASSING.receipts["teardown"], observed=lost))
    assert finding.status is Status.REFUTED
    for command in commands(HELD):
        assert command in finding.reason
