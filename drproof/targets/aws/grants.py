"""What one site must allow, and what bringing a machine up by others asks: roles that a module makes, and builds."""

from dataclasses import dataclass, field
from typing import Literal

from drproof.model.readiness import Condition
from drproof.targets.aws import role_grants
from drproof.targets.aws.role_grants import CARRIES, EC2

Side = Literal["primary", "recovery"]
SIDES: tuple[Side, ...] = ("primary", "recovery")
MAKES = frozenset({"direct", "terraform"})
"""The provisioners by which the caller makes the machine itself; with builds the role of their project does."""
MAKES_ROLES = frozenset({"terraform"})
"""The provisioners by which the caller may give the machine a role of its own."""
ONLY_DIRECT = frozenset({"direct"})
CODEBUILD = frozenset({"codebuild"})
ORDERED = "states"
"""Builds that a state machine starts: whoever runs the phases orders one, and looks at what became of it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions that one site must allow, on these resources under this condition, where one of `only` provisions."""

    side: Side
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    only: frozenset[str] = frozenset()
    condition: Condition = field(default_factory=dict)
    given: str = ""
    """The name without which it falls away."""


MODULE = tuple(
    Grant("recovery", row.actions, row.resources, MAKES_ROLES, row.condition, row.given) for row in role_grants.MODULE
)
"""What the shipped module takes where the caller's own Terraform applies it: what the role of builds has for it."""

DIRECT = (
    Grant("recovery", ("ec2:DescribeSubnets",), only=MAKES),
    Grant("recovery", ("ec2:RunInstances",), (EC2 + "instance/*", EC2 + "volume/*"), ONLY_DIRECT, condition=CARRIES),
    Grant(
        "recovery",
        ("ec2:RunInstances",),
        (
            "arn:{partition}:ec2:{region}::image/*",
            EC2 + "network-interface/*",
            EC2 + "security-group/*",
            EC2 + "subnet/{subnet}",
        ),
        ONLY_DIRECT,
    ),
    Grant(
        "recovery",
        ("ec2:CreateTags",),
        (EC2 + "instance/*", EC2 + "network-interface/*", EC2 + "volume/*"),
        ONLY_DIRECT,
        {"StringEquals": {"ec2:CreateAction": ("RunInstances",)}},
    ),
)
"""What one call of EC2 takes that makes a machine and marks it."""
END_MACHINES = Grant(
    "recovery",
    role_grants.END_MACHINES.actions,
    role_grants.END_MACHINES.resources,
    condition=role_grants.END_MACHINES.condition,
)

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
    # A quota that is in the way is told with the whole command that raises it.
    Grant(
        "recovery",
        ("servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas"),
        only=CODEBUILD,
    ),
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
