"""The statements of the orchestrator's roles: what each allows, on what, under which condition, and who needs it."""

from dataclasses import dataclass, field

from drproof.model.readiness import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant:
    """One statement; `needed_by` names who would fail without it, and a resource that nobody named falls away."""

    sid: str
    needed_by: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: Condition = field(default_factory=dict)
    given: str = ""
    """The name without which the whole statement falls away."""


S3 = "arn:{partition}:s3:::"
EC2 = "arn:{partition}:ec2:{region}:{account}:"
RUNNER = "arn:{partition}:iam::{account}:role/{runner}*"
PROFILE = "arn:{partition}:iam::{account}:instance-profile/{runner}*"
TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/{lock_table}"
STATE = S3 + "{state_bucket}/{state_key}"
OBJECTS = S3 + "{recovery_bucket}/{recovery_prefix}/*"
CARRIES: Condition = {"Null": {"aws:RequestTag/drproof:drill": ("false",)}}
MARKED: Condition = {"Null": {"aws:ResourceTag/drproof:drill": ("false",)}}
SSM_ALONE: Condition = {
    "ArnEquals": {"iam:PolicyARN": ("arn:{partition}:iam::aws:policy/AmazonSSMManagedInstanceCore",)}
}
NAMED_ALONE: Condition = {"ArnEquals": {"iam:PolicyARN": ("{machine_policy}",)}}
EXPIRES: Condition = {"Null": {**MARKED["Null"], "aws:ResourceTag/drproof:expires-at": ("false",)}}


def log(needed_by: str, group: str) -> RoleGrant:
    """Return the statement of whoever writes the log of something that runs as a role."""
    return RoleGrant(
        sid="Log",
        needed_by=needed_by,
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=(f"{{{group}}}:*",),
    )


FUNCTION = (
    RoleGrant(
        sid="Sign",
        needed_by="the opening, every checkpoint and the closing",
        actions=("kms:GetPublicKey", "kms:Sign"),
        resources=("{signing_key}",),
    ),
    RoleGrant(
        sid="FindTheRunInItsStore",
        needed_by="every act: it takes the run up out of its store",
        actions=("s3:ListBucket",),
        resources=(S3 + "{receipt_bucket}",),
        condition={"StringLike": {"s3:prefix": ("{receipt_prefix}/*",)}},
    ),
    RoleGrant(
        sid="MakeTheDigestKeyOfADrill",
        needed_by="every act: originals of redacted texts",
        actions=("kms:GenerateMac",),
        resources=("{digest_key}",),
    ),
    RoleGrant(
        sid="WhetherAnExecutionRuns",
        needed_by="check_health: whether the holder of the lease still runs",
        actions=("states:DescribeExecution",),
        resources=("{executions}:*",),
    ),
    log("Lambda, for the function", "function_log"),
)
IN_SUBNETS = RoleGrant(
    sid="BeInASubnet",
    needed_by="Lambda, for a function that is in subnets",
    actions=("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"),
)
"""What the role of a function needs besides where that function is in subnets, which the function itself says."""
WATCHER = (
    RoleGrant(
        sid="ReadTheHistory",
        needed_by="the message: phase and cause",
        actions=("states:GetExecutionHistory",),
        resources=("{executions}:*",),
    ),
    RoleGrant(sid="WhatIsStillUp", needed_by="the message: what is up", actions=("ec2:DescribeInstances",)),
    RoleGrant(sid="Tell", needed_by="the message", actions=("sns:Publish",), resources=("{topic}",)),
    log("Lambda, for the watcher", "watcher_log"),
)
MACHINE = (
    RoleGrant(
        sid="RunPhases",
        needed_by="every task but the build's",
        actions=("lambda:InvokeFunction",),
        resources=("{function}",),
    ),
    RoleGrant(
        sid="RunBuilds",
        needed_by="BringupInfra, and an abort",
        actions=("codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"),
        resources=("arn:{partition}:codebuild:{region}:{account}:project/{build_project}",),
    ),
    RoleGrant(
        sid="HearOfTheEndOfBuilds",
        needed_by="BringupInfra: `.sync` is told of the end by a rule",
        actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"),
        resources=("arn:{partition}:events:{region}:{account}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule",),
    ),
    RoleGrant(
        sid="DeliverLogs",
        needed_by="Step Functions, for the log of the machine",
        actions=(
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ),
    ),
)
SCHEDULE = (
    RoleGrant(
        sid="StartTheMachine",
        needed_by="the schedule",
        actions=("states:StartExecution",),
        resources=("{machine}",),
    ),
)
LOCK_IN_A_TABLE = RoleGrant(
    sid="LockTheState",
    needed_by="Terraform: lock in a table",
    actions=("dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"),
    resources=(TABLE,),
)
END_MACHINES = RoleGrant(
    sid="EndOnlyMachinesThatADrillMarked",
    needed_by="recovery module: the teardown",
    actions=("ec2:TerminateInstances",),
    resources=(EC2 + "instance/*",),
    condition=MARKED,
)
MODULE = (
    RoleGrant(
        sid="LookAtMachines",
        needed_by="recovery module: plan and refresh",
        actions=(
            "ec2:DescribeImages",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeVpcs",
        ),
    ),
    RoleGrant(
        sid="MakeMachinesWithTheDrillsTag",
        needed_by="recovery module: machine",
        actions=("ec2:RunInstances",),
        resources=(EC2 + "instance/*", EC2 + "volume/*"),
        condition=CARRIES,
    ),
    RoleGrant(
        sid="MakeGroupsWithTheDrillsTag",
        needed_by="recovery module: security group",
        actions=("ec2:CreateSecurityGroup",),
        resources=(EC2 + "security-group/*",),
        condition=CARRIES,
    ),
    RoleGrant(
        sid="MakeFrom",
        needed_by="recovery module: what the machine is made from",
        actions=("ec2:RunInstances",),
        resources=(
            "arn:{partition}:ec2:{region}::image/*",
            EC2 + "network-interface/*",
            EC2 + "security-group/*",
            EC2 + "subnet/{subnet}",
        ),
    ),
    RoleGrant(
        sid="MakeGroupsInItsNetwork",
        needed_by="recovery module: where the security group is made",
        actions=("ec2:CreateSecurityGroup",),
        resources=(EC2 + "vpc/{vpc}",),
    ),
    RoleGrant(
        sid="MarkAsItIsMade",
        needed_by="recovery module: tags, by which a teardown finds what is a drill's",
        actions=("ec2:CreateTags",),
        resources=(EC2 + "*/*",),
        condition={"StringEquals": {"ec2:CreateAction": ("CreateSecurityGroup", "RunInstances")}},
    ),
    RoleGrant(
        sid="ChangeOnlyGroupsThatADrillMarked",
        needed_by="recovery module: rules of the group, and the teardown",
        actions=(
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ),
        resources=(EC2 + "security-group/*",),
        condition=MARKED,
    ),
    END_MACHINES,
    RoleGrant(
        sid="LookAtTheMachinesRole",
        needed_by="recovery module: plan and refresh",
        actions=(
            "iam:GetInstanceProfile",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
        ),
        resources=(PROFILE, RUNNER),
    ),
    RoleGrant(
        sid="MakeRolesWithTheDrillsTag",
        needed_by="recovery module: role and profile of the machine",
        actions=("iam:CreateInstanceProfile", "iam:CreateRole", "iam:TagInstanceProfile", "iam:TagRole"),
        resources=(PROFILE, RUNNER),
        condition=CARRIES,
    ),
    RoleGrant(
        sid="GiveItOnePolicy",
        needed_by="recovery module: commands through SSM",
        actions=("iam:AttachRolePolicy",),
        resources=(RUNNER,),
        condition=SSM_ALONE,
    ),
    RoleGrant(
        sid="TakeItsPolicyBack",
        needed_by="recovery module: the teardown",
        actions=("iam:DetachRolePolicy",),
        resources=(RUNNER,),
        condition={**SSM_ALONE, **MARKED},
    ),
    RoleGrant(
        sid="GiveItTheNamedPolicy",
        needed_by="recovery module: what the workload may read",
        actions=("iam:AttachRolePolicy",),
        resources=(RUNNER,),
        condition=NAMED_ALONE,
        given="machine_policy",
    ),
    RoleGrant(
        sid="TakeTheNamedPolicyBack",
        needed_by="recovery module: the teardown",
        actions=("iam:DetachRolePolicy",),
        resources=(RUNNER,),
        condition={**NAMED_ALONE, **MARKED},
        given="machine_policy",
    ),
    RoleGrant(
        sid="RemoveOnlyRolesThatADrillMarked",
        needed_by="recovery module: the teardown",
        actions=("iam:DeleteInstanceProfile", "iam:DeleteRole", "iam:RemoveRoleFromInstanceProfile"),
        resources=(PROFILE, RUNNER),
        condition=MARKED,
    ),
    RoleGrant(
        sid="PassItToMachines",
        needed_by="recovery module: the machine takes its role",
        actions=("iam:PassRole",),
        resources=(RUNNER,),
        condition={"StringEquals": {"iam:PassedToService": ("ec2.amazonaws.com",)}},
    ),
    RoleGrant(
        sid="PutItIntoItsProfile",
        needed_by="recovery module: role and profile of the machine",
        actions=("iam:AddRoleToInstanceProfile",),
        resources=(PROFILE,),
    ),
)
"""What the shipped recovery module takes of whoever applies it: the role of the builds, or the caller of a drill."""

BUILDS = (
    RoleGrant(
        sid="ReadTheModule",
        needed_by="buildspec: module and zip of Terraform",
        actions=("s3:GetObject", "s3:GetObjectVersion"),
        resources=(S3 + "{build_module}", S3 + "{terraform_zip}"),
    ),
    RoleGrant(
        sid="LeaveReceipts",
        needed_by="buildspec: receipt",
        actions=("s3:PutObject",),
        resources=(S3 + "{build_receipts}/*/codebuild-*.json",),
    ),
    RoleGrant(
        sid="ListTheState",
        needed_by="Terraform: init",
        actions=("s3:ListBucket",),
        resources=(S3 + "{state_bucket}",),
    ),
    RoleGrant(
        sid="KeepTheState",
        needed_by="Terraform: state and lock",
        actions=("s3:GetObject", "s3:PutObject"),
        resources=(STATE, STATE + ".tflock"),
    ),
    RoleGrant(
        sid="GiveTheLockBack",
        needed_by="Terraform: it gives the lock back",
        actions=("s3:DeleteObject",),
        resources=(STATE + ".tflock",),
    ),
    LOCK_IN_A_TABLE,
    *MODULE,
    log("CodeBuild, for the log of a build", "build_log"),
)
