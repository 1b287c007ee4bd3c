"""What one site must allow, and what bringing a machine up by others asks: roles that a module makes, and builds."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["primary", "recovery"]
SIDES: tuple[Side, ...] = ("primary", "recovery")
MAKES = frozenset({"direct", "terraform"})
"""The provisioners by which the caller makes the machine itself; with builds the role of their project does."""
MAKES_ROLES = frozenset({"terraform"})
"""The provisioners by which the caller may give the machine a role of its own."""
CODEBUILD = frozenset({"codebuild"})
ORDERED = "states"
"""Builds that a state machine starts: whoever runs the phases orders one, and looks at what became of it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that one site must allow, on these resources; `only` names the provisioners that need them."""

    side: Side
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    only: frozenset[str] = frozenset()


ROLE = "arn:{partition}:iam::{account}:role/{runner}*"
INSTANCE_PROFILE = "arn:{partition}:iam::{account}:instance-profile/{runner}*"
ROLES = (
    Grant(
        "recovery",
        (
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "iam:PassRole",
            "iam:TagRole",
        ),
        (ROLE,),
        MAKES_ROLES,
    ),
    Grant(
        "recovery",
        (
            "iam:AddRoleToInstanceProfile",
            "iam:CreateInstanceProfile",
            "iam:DeleteInstanceProfile",
            "iam:GetInstanceProfile",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:TagInstanceProfile",
        ),
        (INSTANCE_PROFILE,),
        MAKES_ROLES,
    ),
)
"""What Terraform asks for where a module makes a role: a drill finds a missing one after minutes."""

MODULE = (
    *ROLES,
    Grant(
        "recovery",
        (
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ),
        ("arn:{partition}:ec2:{region}:{account}:security-group/*",),
        MAKES_ROLES,
    ),
    Grant(
        "recovery",
        ("ec2:CreateSecurityGroup",),
        ("arn:{partition}:ec2:{region}:{account}:vpc/*",),
        MAKES_ROLES,
    ),
    Grant(
        "recovery",
        (
            "ec2:DescribeImages",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
        ),
        only=MAKES_ROLES,
    ),
)
"""What the shipped module takes where the caller's own Terraform applies it, besides machines: what the logs show."""

OF_BUILDS = frozenset({*CODEBUILD, ORDERED})
PROJECTS = ("arn:{partition}:codebuild:{region}:{account}:project/*",)
BUILDS = (
    Grant(
        "recovery",
        (
            "codebuild:BatchGetProjects",
            "codebuild:ListBuildsForProject",
            "codebuild:StartBuild",
            "codebuild:StopBuild",
        ),
        PROJECTS,
        CODEBUILD,
    ),
    Grant("recovery", ("codebuild:BatchGetBuilds",), PROJECTS, OF_BUILDS),
    # A build that failed says why in its log, and what it did in its receipt.
    Grant(
        "recovery",
        ("logs:GetLogEvents",),
        ("arn:{partition}:logs:{region}:{account}:log-group:/aws/codebuild/{build_project}:*",),
        CODEBUILD,
    ),
    Grant(
        "recovery",
        ("s3:GetObject",),
        ("arn:{partition}:s3:::{build_receipts}/*", "arn:{partition}:s3:::{build_module}"),
        OF_BUILDS,
    ),
)
EXECUTIONS = "arn:{partition}:states:{region}:{account}:execution:*"
FUNCTIONS = "arn:{partition}:lambda:{region}:{account}:function:*"
MACHINES = "arn:{partition}:states:{region}:{account}:stateMachine:*"
RULES = "arn:{partition}:events:{region}:{account}:rule/*"
