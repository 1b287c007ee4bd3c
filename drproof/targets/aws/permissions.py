"""Which actions of AWS each capability verb stands for, and on what: the one table behind policies and preflight.

A template is filled in from the settings; a row whose resource nobody named falls away. What a cluster lets its
users do is not IAM, so the verbs of a cluster stand for nothing here, unless it is asked on its machine.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.formats import s3_uri
from drproof.formats.image_ref import ECR
from drproof.model.criteria import Site
from drproof.model.readiness import Condition
from drproof.model.settings import Settings
from drproof.targets.aws.ec2 import DEFAULT_NETWORK
from drproof.targets.aws.grants import (
    BUILDS,
    DIRECT,
    END_MACHINES,
    EXECUTIONS,
    FUNCTIONS,
    MACHINES,
    MAKES,
    MAKES_ROLES,
    MODULE,
    PROJECTS,
    RULES,
    Grant,
    Side,
)
from drproof.targets.aws.role_grants import EC2, LOCK_IN_A_TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One action on one resource, and under which condition it is to be allowed: no wider is needed."""

    verb: str
    """The verb that stands for it; for a role of the orchestrator, who would fail without it."""
    action: str
    resource: str
    condition: Condition = field(default_factory=dict)


def _s3(side: Side, *actions: str, on: tuple[str, ...]) -> Grant:
    return Grant(side, tuple(f"s3:{action}" for action in actions), tuple(f"arn:{{partition}}:s3:::{at}" for at in on))


LEASE = (
    _s3("recovery", "ListBucket", "ListBucketVersions", on=("{state_bucket}",)),
    _s3(
        "recovery",
        "DeleteObject",
        "DeleteObjectVersion",
        "GetObject",
        "PutObject",
        "PutObjectTagging",
        on=("{state_bucket}/{state_key}*",),
    ),
)
STATE = (
    *LEASE,
    Grant("recovery", LOCK_IN_A_TABLE.actions, LOCK_IN_A_TABLE.resources, MAKES_ROLES),
)

TABLE: Mapping[str, tuple[Grant, ...]] = {
    "alarms.read": (Grant("primary", ("cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms")),),
    "buckets.read": (
        _s3(
            "primary",
            "GetBucketLocation",
            "GetBucketObjectLockConfiguration",
            "GetBucketVersioning",
            "GetReplicationConfiguration",
            on=("{primary_bucket}", "{backup_bucket}"),
        ),
    ),
    "cluster.apply": (),
    "cluster.create": (),
    "cluster.delete": (),
    "cluster.read": (),
    "host.run": (
        Grant(
            "recovery",
            (
                "ssm:CancelCommand",
                "ssm:DescribeInstanceInformation",
                "ssm:GetCommandInvocation",
                "ssm:ListCommands",
            ),
        ),
        Grant(
            "recovery",
            ("ssm:SendCommand",),
            ("arn:{partition}:ssm:{region}::document/AWS-RunShellScript",),
        ),
        # Whoever may send a command to any machine is root on all of them.
        Grant(
            "recovery",
            ("ssm:SendCommand",),
            (EC2 + "instance/*",),
            condition={"StringEquals": {"ssm:resourceTag/Purpose": ("{purpose}",)}},
        ),
    ),
    # Whoever has credentials may ask who they are.
    "identity.read": (),
    "images.read": (Grant("primary", ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), ("{repository}",)),),
    "lease.hold": LEASE,
    "messages.publish": (Grant("recovery", ("sns:Publish",), ("{topic}",)),),
    "metrics.read": (Grant("primary", ("cloudwatch:ListMetrics",)),),
    "objects.delete": (
        _s3("recovery", "ListBucket", "ListBucketVersions", on=("{recovery_bucket}",)),
        _s3("recovery", "DeleteObject", "DeleteObjectVersion", on=("{recovery_bucket}/{recovery_prefix}/*",)),
    ),
    "objects.put": (_s3("recovery", "PutObject", "PutObjectTagging", on=("{recovery_bucket}/{recovery_prefix}/*",)),),
    "objects.read": (
        _s3("primary", "ListBucket", on=("{primary_bucket}", "{backup_bucket}")),
        _s3(
            "primary",
            "GetObject",
            "GetObjectVersion",
            on=("{primary_bucket}/{primary_prefix}/*", "{backup_bucket}/{backup_root}/*"),
        ),
        _s3("recovery", "ListBucket", on=("{recovery_bucket}",)),
        _s3("recovery", "GetObject", on=("{recovery_bucket}/{recovery_prefix}/*",)),
    ),
    "permissions.simulate": (
        Grant("primary", ("iam:GetRole", "iam:SimulatePrincipalPolicy"), ("{role}",)),
        Grant("recovery", ("iam:GetRole", "iam:SimulatePrincipalPolicy"), ("{role}",)),
    ),
    "quotas.read": (
        Grant(
            "recovery",
            (
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceTypes",
                "servicequotas:GetAWSDefaultServiceQuota",
                "servicequotas:GetServiceQuota",
            ),
        ),
        # The quota is that of the environment which the project has.
        Grant("recovery", ("codebuild:BatchGetProjects",), PROJECTS, only=frozenset({"codebuild"})),
        Grant(
            "recovery",
            (
                "codebuild:BatchGetBuilds",
                "codebuild:ListBuildsForProject",
                "codebuild:ListProjects",
                "servicequotas:ListAWSDefaultServiceQuotas",
                "servicequotas:ListServiceQuotas",
            ),
            only=frozenset({"codebuild"}),
        ),
    ),
    # Which role each part of the orchestrator has, as that part says itself; then what IAM says of it.
    "roles.read": (
        Grant("recovery", ("iam:SimulatePrincipalPolicy",), ("{role}",)),
        Grant("recovery", ("codebuild:BatchGetProjects",), PROJECTS),
        Grant("recovery", ("events:ListTargetsByRule",), (RULES,)),
        Grant("recovery", ("lambda:GetFunctionConfiguration",), (FUNCTIONS,)),
        Grant("recovery", ("states:DescribeStateMachine",), (MACHINES,)),
    ),
    "receipts.create": (
        _s3("recovery", "GetBucketObjectLockConfiguration", on=("{receipt_bucket}",)),
        _s3(
            "recovery",
            "GetObject",
            "GetObjectRetention",
            "GetObjectVersion",
            "PutObject",
            "PutObjectRetention",
            on=("{receipt_bucket}/{receipt_prefix}/*",),
        ),
    ),
    "registry.login": (Grant("recovery", ("ecr:GetAuthorizationToken",)),),
    "runner.down": (
        Grant("recovery", ("ec2:DescribeInstances",)),
        Grant("recovery", ("ec2:DescribeVpcs",), only=MAKES),
        END_MACHINES,
        *MODULE,
        *BUILDS,
        *STATE,
    ),
    "runner.up": (
        Grant("recovery", ("ec2:DescribeInstances",)),
        Grant(
            "recovery",
            (
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeVpcs",
                "ssm:GetParameter",
                "ssm:GetParameters",
            ),
            only=MAKES,
        ),
        *DIRECT,
        *MODULE,
        *BUILDS,
        *STATE,
    ),
    "runners.read": (Grant("recovery", ("ec2:DescribeInstances",)),),
    # A teardown is proven by a recount of everything that a drill could have left.
    "residue.read": (
        Grant(
            "recovery",
            (
                "ec2:DescribeInstances",
                "ec2:DescribeKeyPairs",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSnapshots",
                "ec2:DescribeTags",
                "ec2:DescribeVolumes",
                "ec2:DescribeVpcs",
            ),
        ),
        _s3("recovery", "GetObjectTagging", on=("{recovery_bucket}/{recovery_prefix}/*",)),
    ),
    "places.read": (
        _s3("primary", "GetBucketLocation", "ListBucket", on=("{primary_bucket}", "{backup_bucket}")),
        _s3(
            "recovery",
            "GetBucketLocation",
            "ListBucket",
            on=("{recovery_bucket}", "{state_bucket}", "{receipt_bucket}"),
        ),
    ),
    "signing.sign": (Grant("recovery", ("kms:GetPublicKey", "kms:Sign"), ("{signing_key}",)),),
    "state.read": (
        _s3(
            "recovery",
            "GetBucketPublicAccessBlock",
            "GetBucketVersioning",
            "GetEncryptionConfiguration",
            "ListBucket",
            on=("{state_bucket}",),
        ),
        _s3("recovery", "GetObject", on=("{state_bucket}/{state_key}*",)),
        Grant("recovery", ("dynamodb:GetItem",), ("arn:{partition}:dynamodb:{region}:{account}:table/{lock_table}",)),
    ),
    "topics.read": (Grant("recovery", ("sns:GetTopicAttributes",), ("{topic}",)),),
    "triggers.read": (
        Grant("primary", ("cloudwatch:DescribeAlarms", "events:DescribeRule")),
        Grant("recovery", ("cloudwatch:DescribeAlarms", "events:DescribeRule")),
    ),
    # A token names its task by itself: IAM knows no resource for it.
    "workflows.answer": (Grant("recovery", ("states:SendTaskFailure", "states:SendTaskSuccess")),),
    "workflows.read": (
        Grant(
            "recovery",
            (
                "states:DescribeExecution",
                "states:DescribeStateMachineForExecution",
                "states:GetExecutionHistory",
            ),
            (EXECUTIONS,),
        ),
        Grant("recovery", ("states:DescribeStateMachine", "states:ListExecutions"), (MACHINES,)),
    ),
    "workflows.start": (Grant("recovery", ("states:StartExecution",), (MACHINES,)),),
    "workflows.stop": (Grant("recovery", ("states:StopExecution",), (EXECUTIONS,)),),
}


def needed(verbs: Iterable[str], side: Side, settings: Settings, *, provisioner: str) -> tuple[Permission, ...]:
    """Return every action that these verbs stand for at a site, each on a resource and bound, in a fixed order.

    Raises:
        ValueError: a verb has no row: nobody knows what it needs.
    """
    names = names_of(settings, side)
    found: dict[tuple[str, str, str], Permission] = {}
    for verb in sorted(set(verbs)):
        if verb not in TABLE:
            msg = f"the capability verb {verb!r}: expected one of {', '.join(TABLE)}"
            raise ValueError(msg)
        for grant in (*TABLE[verb], *_on_the_machine(verb, settings)):
            if grant.side != side or (grant.only and provisioner not in grant.only) or not names.get(grant.given, True):
                continue
            condition = bound(grant.condition, names)
            for resource in filter(None, (filled(template, names) for template in grant.resources)):
                for action in grant.actions:
                    one = Permission(verb=verb, action=action, resource=resource, condition=condition)
                    found.setdefault((action, resource, repr(condition)), one)
    return tuple(one for _, one in sorted(found.items(), key=lambda row: row[0]))


def _on_the_machine(verb: str, settings: Settings) -> tuple[Grant, ...]:
    """Return what a verb of a cluster stands for where the cluster is asked by commands on its machine."""
    over_ssm = settings.recovery.cluster_access == "ssm" and verb.startswith("cluster.")
    return TABLE["host.run"] if over_ssm else ()


def policy(permissions: Iterable[Permission]) -> dict[str, Any]:
    """Return the smallest policy that allows these: a statement for each resource, or set of them, and condition."""
    conditions: dict[str, Condition] = {}
    by_resource: dict[tuple[str, str], list[str]] = {}
    for one in permissions:
        condition = json.dumps(one.condition, sort_keys=True)
        conditions[condition] = one.condition
        by_resource.setdefault((one.resource, condition), []).append(one.action)
    together: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (resource, condition), actions in by_resource.items():
        together.setdefault((tuple(sorted(set(actions))), condition), []).append(resource)
    statements = [
        {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": sorted(resources),
            **({"Condition": conditions[condition]} if conditions[condition] else {}),
        }
        for (actions, condition), resources in sorted(together.items())
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def filled(template: str, names: Mapping[str, str]) -> str:
    """Return a resource, or "" where a name that it needs is not set."""
    wanted = [part.partition("}")[0] for part in template.split("{")[1:]]
    return template.format_map(names) if all(names[name] for name in wanted) else ""


def bound(condition: Condition, names: Mapping[str, str]) -> Condition:
    """Return a condition whose values are filled in."""
    return {
        test: {key: tuple(filled(value, names) for value in values) for key, values in rows.items()}
        for test, rows in condition.items()
    }


def names_of(settings: Settings, side: Side) -> dict[str, str]:
    """Return what the templates of resources at a site are filled in with; empty where nobody named it."""
    site = settings.sites.primary if side == "primary" else settings.sites.recovery
    recovery, where = settings.recovery, settings.recovery.provisioner
    backup = s3_uri.parse(settings.backup_uri) if settings.backup_uri else None
    receipts = s3_uri.parse(settings.storing.uri) if settings.storing else None
    builds = where.codebuild
    partition = partition_of(site.region)
    return {
        "account": site.account_id,
        "backup_bucket": backup.bucket if backup else "",
        # What lies beside the backups is read as well: the control plane.
        "backup_root": backup.key.partition("/backups/")[0] if backup else "",
        "build_module": builds.module_uri.removeprefix("s3://"),
        "build_project": builds.project,
        "build_receipts": builds.receipt_uri.removeprefix("s3://").rstrip("/"),
        "lock_table": where.lock_table,
        "machine_policy": where.variables.get("machine_policy_arn", ""),
        "partition": partition,
        "purpose": recovery.runner_purpose,
        "primary_bucket": settings.primary.bucket,
        "primary_prefix": settings.primary.prefix.strip("/"),
        "receipt_bucket": receipts.bucket if receipts else "",
        "receipt_prefix": receipts.key if receipts else "",
        "recovery_bucket": recovery.bucket,
        "recovery_prefix": recovery.prefix.strip("/"),
        "region": site.region,
        "repository": _repository(settings.image_ref, partition),
        # Which role the caller has is known when it is asked, not before.
        "role": f"arn:{partition}:iam::{site.account_id}:role/*",
        "runner": recovery.runner_name,
        "signing_key": key_arn(settings.signing.signer, site, partition),
        "state_bucket": where.state_bucket,
        "state_key": where.state_key,
        # Whoever names no network takes what there is.
        "subnet": _or_any(where.subnet_id),
        "topic": recovery.topic_arn,
        "vpc": _or_any(where.vpc_id),
    }


def _or_any(network: str) -> str:
    return "*" if network in {"", DEFAULT_NETWORK} else network


def partition_of(region: str) -> str:
    """Return the part of AWS that a region belongs to, as ARNs name it."""
    starts = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((partition for start, partition in starts.items() if region.startswith(start)), "aws")


def _repository(image_ref: str, partition: str) -> str:
    match = ECR.fullmatch(image_ref.partition("@")[0])
    if match is None:
        return ""
    return f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['name']}"


def key_arn(uri: str, site: Site, partition: str) -> str:
    """Return the ARN of a key of the platform; a name stands for any key of the account, which IAM cannot resolve."""
    scheme, _, name = uri.partition(":")
    if scheme != "awskms":
        return ""
    if name.startswith("arn:"):
        return name if ":key/" in name else f"{name.partition(':alias/')[0]}:key/*"
    return f"arn:{partition}:kms:{site.region}:{site.account_id}:key/{'*' if name.startswith('alias/') else name}"
