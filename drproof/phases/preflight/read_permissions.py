"""What the drill's caller may do at each site, action by action."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drproof.analysis import iam
from drproof.model.capabilities import SiteTarget
from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase
from drproof.model.readiness import Decision, DecisionWord, PermissionsSeen

SIMULATED = "simulated"
TERRAFORM = "terraform"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePermissions:
    """What becomes of every action at one site.

    `status` is `simulated`, else the code with which that was refused; then the decisions are those of the policies
    that could be read, and `unknown` where none could.
    """

    principal: str
    status: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsObserved:
    """The callers of both sites."""

    provisioner: str
    primary: SitePermissions
    recovery: SitePermissions


@phase(plans={"preflight"}, uses={"permissions.simulate"}, objective_ms=60_000, command_hint="pytest -m preflight")
def read_permissions(ctx: Context) -> PermissionsObserved:
    """For every action that a drill takes it is known whether the caller may take it."""
    provisioner = _provisioner(ctx)
    return PermissionsObserved(
        provisioner=provisioner,
        primary=_look(ctx, ctx.target.primary, provisioner),
        recovery=_look(ctx, ctx.target.recovery, provisioner),
    )


def _look(ctx: Context, site: SiteTarget, provisioner: str) -> SitePermissions:
    seen = site.readiness.permissions.look(ctx.plan.criteria.preflight.uses, provisioner=provisioner)
    decisions = tuple(sorted(_judged(seen), key=lambda one: (one.action, one.resource, repr(one.condition))))
    return SitePermissions(principal=seen.principal, status=seen.status, decisions=decisions)


def _judged(seen: PermissionsSeen) -> tuple[Decision, ...]:
    """Return the simulated decisions, or those of the documents where nothing was simulated."""
    if seen.status == SIMULATED or not seen.documents:
        return seen.decisions
    return tuple(replace(one, decision=_of_documents(seen.documents, one)) for one in seen.decisions)


def _of_documents(documents: Iterable[Mapping[str, Any]], one: Decision) -> DecisionWord:
    """Return what policies say of an action, in calls that carry what its condition asks for."""
    known = tuple(documents)
    return iam.worst(iam.decide(known, one.action, one.resource, carried) for carried in iam.meeting(one.condition))


def _provisioner(ctx: Context) -> str:
    """Return the provisioner that a drill would use; where none works, the one that needs most."""
    try:
        return ctx.target.recovery.provisioner.kind
    except (TargetError, ValueError) as exc:
        ctx.say(str(exc))
        return TERRAFORM
