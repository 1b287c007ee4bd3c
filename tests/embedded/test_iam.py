"""IAM simulates what policies say of a call, with what the call carries; what it does not know stops the simulation."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import RunningWorld

ROLE = "simulated"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PASS = "iam:PassRole"
TO = "iam:PassedToService"


def simulated(world: RunningWorld, *statements: Mapping[str, Any], carries: Mapping[str, str] | None = None) -> Any:
    """Return what a role with these statements may do with a role of its own."""
    iam = world.client("iam")
    if ROLE not in {one["RoleName"] for one in iam.list_roles()["Roles"]}:
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=json.dumps(document))
    (row,) = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::444455556666:role/{ROLE}",
        ActionNames=[PASS],
        ResourceArns=["arn:aws:iam::444455556666:role/runner-1"],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
            for key, value in (carries or {}).items()
        ],
    )["EvaluationResults"]
    return row["EvalDecision"], row["MissingContextValues"]


def allow(
    resource: str = "*", effect: str = "Allow", action: str = "iam:passrole", **condition: Mapping[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect, "Action": action, "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def test_an_action_is_allowed_on_what_a_statement_names_and_denied_before_that(world: RunningWorld) -> None:
    ours = "arn:aws:iam::444455556666:role/runner*"

    assert simulated(world, allow(action="iam:GetRole")) == ("implicitDeny", [])
    assert simulated(world, allow(ours)) == ("allowed", [])
    assert simulated(world, allow("arn:aws:iam::444455556666:role/other*")) == ("implicitDeny", [])
    assert simulated(world, allow(), allow(ours, effect="Deny")) == ("explicitDeny", [])
    assert simulated(world, {"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::*"}) == (
        "allowed",
        [],
    )


def test_a_condition_holds_by_what_the_call_carries_and_misses_what_nobody_gave(world: RunningWorld) -> None:
    to_machines = allow(StringEquals={TO: "ec2.amazonaws.com"})

    assert simulated(world, to_machines) == ("implicitDeny", [TO])
    assert simulated(world, to_machines, carries={TO: "ec2.amazonaws.com"}) == ("allowed", [])
    assert simulated(world, to_machines, carries={TO.lower(): "lambda.amazonaws.com"}) == ("implicitDeny", [])
    like = allow(StringLike={TO: "ec2.*"})
    assert simulated(world, like, carries={TO: "ec2.amazonaws.com"}) == ("allowed", [])
    if_there = allow(StringEqualsIfExists={TO: "ec2.amazonaws.com"})
    assert simulated(world, if_there) == ("allowed", [])
    marked = allow(Null={"aws:ResourceTag/drproof:drill": "false"})
    assert simulated(world, marked, carries={"aws:ResourceTag/drproof:drill": "x"}) == ("allowed", [])
    unmarked = allow(Null={"aws:ResourceTag/drproof:drill": "true"})
    assert simulated(world, unmarked, carries={"aws:ResourceTag/drproof:drill": "x"}) == ("implicitDeny", [])


def test_a_condition_that_the_world_does_not_know_is_refused(world: RunningWorld) -> None:
    with pytest.raises(ClientError, match="no condition operator NumericLessThan"):
        simulated(world, allow(NumericLessThan={"s3:max-keys": "10"}), carries={"s3:max-keys": "5"})


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "_HANDLER"])
def test_a_function_with_a_reserved_name_in_its_environment_is_not_made(world: RunningWorld, name: str) -> None:
    functions = world.client("lambda")
    role = world.client("iam").get_role(RoleName="atlas-dr-infra")["Role"]["Arn"]
    asked = {
        "FunctionName": "reserved",
        "Runtime": "python3.13",
        "Role": role,
        "Handler": "a.b",
        "Code": {"ZipFile": b"zip"},
    }

    with pytest.raises(ClientError, match=f"reserved keys .*: {name}"):
        functions.create_function(**asked, Environment={"Variables": {name: "x", "DRPROOF_TARGET": "aws"}})
    functions.create_function(**asked, Environment={"Variables": {"DRPROOF_TARGET": "aws"}})
    with pytest.raises(ClientError, match=f"reserved keys .*: {name}"):
        functions.update_function_configuration(FunctionName="reserved", Environment={"Variables": {name: "x"}})
    functions.delete_function(FunctionName="reserved")
