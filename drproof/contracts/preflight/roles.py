"""The parts of the orchestrator may do their work, each as its own role."""

from dataclasses import replace

from drproof.contracts.preflight.allowed import Decisions, denied, judged, with_first
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, undecided
from drproof.phases.preflight.read_roles import RoleRead, RolesObserved

Roles = Receipt[RolesObserved]
HEARS_OF_BUILDS = frozenset({"events:DescribeRule", "events:PutRule", "events:PutTargets"})
"""What a `.sync` task needs besides starting its build."""


@contract(
    needs=["read_roles"],
    subjects=expected("role", lambda criteria: criteria.preflight.roles),
    applies=lambda criteria: len(criteria.preflight.roles) > 0,
    controls=["NIST AC-6", "NIST CP-2"],
)
def role_may_do_what_it_is_for(read_roles: Roles, subject: str) -> Finding:
    """Each part of the orchestrator is allowed every action that its work takes, as the role that it really has."""
    if all(one.role != subject for one in read_roles.facts.roles):
        return undecided(f"the receipt does not speak of the role of {subject}")
    seen = _of(read_roles, subject)
    deaf = HEARS_OF_BUILDS & {one.action for one in denied(seen)}
    return judged(
        seen,
        who=f"{seen.principal}, the role of {subject},",
        without="; without them a `.sync` task is refused or never hears of its end" if deaf else "",
        unasked=f"nobody could ask what the role of {subject} may do: {seen.status}\n"
        "  next: mend orchestrator in drproof.toml, or allow what drproof policy --plan preflight prints",
        unsaid="bind them by the conditions of the module",
    )


@role_may_do_what_it_is_for.sabotage("nobody allows one of the actions")
def not_allowed(read_roles: Roles, subject: str) -> Roles:
    """Take one away."""
    return _with(read_roles, subject, with_first(_of(read_roles, subject).decisions, "implicit_deny"))


@role_may_do_what_it_is_for.sabotage("a policy forbids one of the actions")
def forbidden(read_roles: Roles, subject: str) -> Roles:
    """Forbid one."""
    return _with(read_roles, subject, with_first(_of(read_roles, subject).decisions, "explicit_deny"))


@role_may_do_what_it_is_for.sabotage("all that was found one by one is missing at once")
def all_at_once(read_roles: Roles, subject: str) -> Roles:
    """Take every action away."""
    decisions = tuple(replace(one, decision="implicit_deny") for one in _of(read_roles, subject).decisions)
    return _with(read_roles, subject, decisions)


@role_may_do_what_it_is_for.sabotage("the machine may not manage the rule by which it hears of the end of builds")
def deaf(read_roles: Roles, subject: str) -> Roles:
    """Take what only a `.sync` task needs."""
    seen = _of(read_roles, subject)
    if not any(one.action in HEARS_OF_BUILDS for one in seen.decisions):
        msg = f"the role of {subject} hears of no build"
        raise NotApplicableError(msg)
    decisions = tuple(
        replace(one, decision="implicit_deny") if one.action in HEARS_OF_BUILDS else one for one in seen.decisions
    )
    return _with(read_roles, subject, decisions)


@role_may_do_what_it_is_for.sabotage("no action was asked about")
def nothing_asked(read_roles: Roles, subject: str) -> Roles:
    """Ask nothing."""
    return _with(read_roles, subject, ())


def _of(read_roles: Roles, subject: str) -> RoleRead:
    return next(one for one in read_roles.facts.roles if one.role == subject)


def _with(read_roles: Roles, subject: str, decisions: Decisions) -> Roles:
    facts = read_roles.facts
    roles = tuple(replace(one, decisions=decisions) if one.role == subject else one for one in facts.roles)
    return replace(read_roles, observed=replace(facts, roles=roles))
