"""What the parts of the orchestrator may do, action by action: each acts as a role of its own, not as the caller."""

from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase
from drproof.model.readiness import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRead:
    """What becomes of every action of one part's role.

    `status` is `simulated`, or the code with which that was refused, or with which the part did not say its role.
    """

    role: str
    principal: str
    status: str
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesObserved:
    """The roles of the parts that the criteria name."""

    roles: tuple[RoleRead, ...]


@phase(plans={"preflight"}, uses={"roles.read"}, objective_ms=60_000, command_hint="pytest -m preflight")
def read_roles(ctx: Context) -> RolesObserved:
    """For every action of each part of the orchestrator it is known whether its role may take it."""
    return RolesObserved(roles=tuple(_read(ctx, role) for role in ctx.plan.criteria.preflight.roles))


def _read(ctx: Context, role: str) -> RoleRead:
    try:
        seen = ctx.target.recovery.readiness.roles.look(role, ctx.plan.criteria.preflight.uses)
    except TargetError as exc:
        ctx.say(str(exc))
        return RoleRead(role=role, principal="", status=exc.code or "unreachable")
    decisions = tuple(sorted(seen.decisions, key=lambda one: (one.action, one.resource, repr(one.condition))))
    return RoleRead(role=role, principal=seen.principal, status=seen.status, decisions=decisions)
