"""Who drills: a role in each account, and what its policy allows; the world simulates it, and enforces other rules."""

import json

from moto.iam.models import iam_backends

from drproof.embedded.accounts import ROLE
from drproof.embedded.world import World

NAME = ROLE.split("/")[1]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}
READS = (
    "cloudwatch:Describe*",
    "cloudwatch:ListMetrics",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetAuthorizationToken",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "s3:Get*",
    "s3:List*",
)
CHANGES = (
    "codebuild:*",
    "dynamodb:*Item",
    "dynamodb:DescribeTable",
    "ec2:*",
    "events:DescribeRule",
    "kms:*",
    "logs:GetLogEvents",
    "s3:*",
    "servicequotas:*",
    "sns:*",
    "ssm:*",
)
ROLES = (
    "iam:AddRoleToInstanceProfile",
    "iam:AttachRolePolicy",
    "iam:CreateInstanceProfile",
    "iam:CreateRole",
    "iam:DeleteInstanceProfile",
    "iam:DeleteRole",
    "iam:DetachRolePolicy",
    "iam:GetInstanceProfile",
    "iam:PassRole",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagRole",
)
FOUND_ONE_BY_ONE = (
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:TagInstanceProfile",
)
"""What a role like this lacked once, found by one failed drill each."""

BUILDS = (
    "dynamodb:*Item",
    "dynamodb:DescribeTable",
    "ec2:*",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:*",
)


def generate(world: World) -> None:
    """Make the role of the rehearsal in both accounts, and that of the builds where machines come and go."""
    _make_builds(world)
    lacking = {*FOUND_ONE_BY_ONE, "sns:*"} if world.scenario == "preflight-iam-denied" else set()
    may_do = tuple(action for action in (*READS, *CHANGES, *ROLES, *FOUND_ONE_BY_ONE) if action not in lacking)
    for credentials, actions in ((world.primary, READS), (world.recovery, may_do)):
        backend = iam_backends[credentials.account_id]["aws"]
        backend.create_role(NAME, json.dumps(TRUST), "/", None, "Drills", [], None)
        allowed = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
        backend.put_role_policy(NAME, "drills", json.dumps({"Version": "2012-10-17", "Statement": allowed}))


def _make_builds(world: World) -> None:
    lacking = set(FOUND_ONE_BY_ONE) if world.scenario == "preflight-builds-denied" else set()
    actions = [action for action in (*BUILDS, *ROLES, *FOUND_ONE_BY_ONE, "iam:GetRole") if action not in lacking]
    backend = iam_backends[world.recovery.account_id]["aws"]
    backend.create_role(world.names.project, json.dumps(TRUST), "/", None, "Builds", [], None)
    allowed = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    backend.put_role_policy(world.names.project, "builds", json.dumps({"Version": "2012-10-17", "Statement": allowed}))
