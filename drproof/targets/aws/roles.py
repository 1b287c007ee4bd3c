"""What each role of the orchestrator is for, action by action: the one table beside the modules that make the roles.

A row is a statement of `deploy/terraform/orchestrator` or `deploy/terraform/reaper`, by its sid. The preflight asks by
it whether a role may still do its work, and says which statement gives back what is missing, no wider than it was.
What the phases of the function need is not here: that is what they declare, by `permissions`.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from drproof.formats import s3_uri
from drproof.model.criteria import Site
from drproof.model.settings import Settings
from drproof.targets.aws.grants import ORDERED
from drproof.targets.aws.permissions import Permission, bound, filled, key_arn, names_of, needed
from drproof.targets.aws.reaper_grants import REAPER
from drproof.targets.aws.role_grants import BUILDS, FUNCTION, IN_SUBNETS, MACHINE, SCHEDULE, WATCHER, RoleGrant

Role = Literal["builds", "function", "machine", "reaper", "schedule", "watcher"]
ROLES: tuple[Role, ...] = get_args(Role)
TABLE: Mapping[Role, tuple[RoleGrant, ...]] = {
    "builds": BUILDS,
    "function": FUNCTION,
    "machine": MACHINE,
    "reaper": REAPER,
    "schedule": SCHEDULE,
    "watcher": WATCHER,
}
ELSEWHERE = frozenset({"objects.delete", "residue.read", "runner.down"})
"""Verbs that only a teardown uses, which the function does not run: it is the operator's own act."""


def of_role(role: str, verbs: Iterable[str], settings: Settings, *, in_subnets: bool = False) -> tuple[Permission, ...]:
    """Return everything that a role is for, in a fixed order; `verbs` are those of the plan that the function runs.

    `in_subnets` says that it is the role of a function in subnets, which Lambda lets have interfaces there as the role.

    Raises:
        ValueError: there is no such role.
    """
    if role not in ROLES:
        msg = f"the role {role!r}: expected one of {', '.join(ROLES)}"
        raise ValueError(msg)
    names = _names(settings)
    found = [
        Permission(verb=grant.needed_by, action=action, resource=resource, condition=condition)
        for grant in (*TABLE[role], *((IN_SUBNETS,) if in_subnets else ()))
        if names.get(grant.given, True)
        for condition in (bound(grant.condition, names),)
        for resource in filter(None, (filled(template, names) for template in grant.resources))
        for action in grant.actions
    ]
    if role == "function":
        found += of_phases(verbs, settings)
    return tuple(sorted({_key(one): one for one in reversed(found)}.values(), key=_key))


def of_phases(verbs: Iterable[str], settings: Settings) -> tuple[Permission, ...]:
    """Return what the function needs for the phases, at both sites where they are one account."""
    kept = [verb for verb in verbs if verb not in ELSEWHERE]
    found = needed(kept, "recovery", settings, provisioner=ORDERED)
    if settings.sites.primary.account_id == settings.sites.recovery.account_id:
        found += needed(kept, "primary", settings, provisioner=ORDERED)
    return found


def _key(one: Permission) -> tuple[str, str, str]:
    return one.action, one.resource, repr(one.condition)


def _names(settings: Settings) -> dict[str, str]:
    site, ours, builds = settings.sites.recovery, settings.orchestrator, settings.recovery.provisioner.codebuild
    names = names_of(settings, "recovery")
    logs = f"arn:{names['partition']}:logs:{site.region}:{site.account_id}:log-group:"
    terraform = s3_uri.parse(builds.terraform_uri) if builds.terraform_uri.startswith("s3://") else None
    return names | {
        "build_log": f"{logs}/aws/codebuild/{builds.project}" if builds.project else "",
        "digest_key": _one_key(settings.signing.digest_key, site, names["partition"]),
        "executions": ours.machine.replace(":stateMachine:", ":execution:"),
        "function": ours.function,
        "function_log": _log_of(logs, ours.function),
        "machine": ours.machine,
        "reaper_log": _log_of(logs, ours.reaper),
        "signing_key": _one_key(settings.signing.signer, site, names["partition"]),
        "subnet": settings.recovery.provisioner.subnet_id,
        "terraform_zip": f"{terraform.bucket}/{terraform.key}" if terraform else "",
        "vpc": settings.recovery.provisioner.vpc_id,
        "watcher_log": _log_of(logs, ours.watcher),
    }


def _one_key(uri: str, site: Site, partition: str) -> str:
    """Return the ARN of a key, empty for a name: which key that is, IAM does not know, and the role has but one."""
    arn = key_arn(uri, site, partition)
    return "" if arn.endswith("key/*") else arn


def _log_of(logs: str, function: str) -> str:
    name = function.rpartition(":")[2]
    return f"{logs}/aws/lambda/{name}" if name else ""
