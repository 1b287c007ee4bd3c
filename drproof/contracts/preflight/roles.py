"""The parts of the orchestrator may do their work, each as its own role."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from drproof.contracts.preflight.permissions import DENIED
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.readiness import Decision, DecisionWord
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_permissions import SIMULATED
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
    found = [one for one in read_roles.facts.roles if one.role == subject]
    if not found:
        return undecided(f"the receipt does not speak of the role of {subject}")
    seen = found[0]
    denied = tuple(one for one in seen.decisions if one.decision in DENIED)
    if denied:
        return _refused(seen, denied)
    if seen.status != SIMULATED:
        return undecided(
            f"nobody could ask what the role of {subject} may do: {seen.status}\n"
            "  next: mend orchestrator in drproof.toml, or allow what drproof policy --plan preflight prints",
            observed=_counted(seen),
        )
    unknown = sorted({one.action for one in seen.decisions if one.decision == "unknown"})
    if unknown:
        return undecided(
            f"nobody can say whether {seen.principal} may {', '.join(unknown)}: a condition hangs on what only the "
            "call knows\n  next: bind them by the conditions of the module, or look at the condition yourself",
            observed=_counted(seen),
        )
    return hold(
        len(seen.decisions) > 0,
        observed=_counted(seen),
        expected={"denied": 0},
        reason="no action was asked about: the receipt shows nothing",
    )


def _refused(seen: RoleRead, denied: tuple[Decision, ...]) -> Finding:
    missing = sorted({one.action for one in denied})
    walls = sorted({one.action for one in denied if one.decision == "explicit_deny"})
    wall = f"; {', '.join(walls)} is forbidden by a policy, which no statement lifts: find it first" if walls else ""
    needed_by = "; ".join(sorted({one.verb for one in denied}))
    deaf = "; without them a `.sync` task is refused or never hears of its end" if HEARS_OF_BUILDS & {*missing} else ""
    return hold(
        not denied,
        observed={**_counted(seen), "missing": missing},
        expected={"denied": 0},
        reason=f"{seen.principal}, the role of {seen.role}, may not {', '.join(missing)} (for {needed_by}){deaf}{wall}"
        f"\n  next: add this statement to its policy: {json.dumps(statement(denied))}",
    )


def _counted(seen: RoleRead) -> dict[str, Any]:
    words = [one.decision for one in seen.decisions]
    return {
        "principal": seen.principal,
        "status": seen.status,
        "asked": len(words),
        "denied": sum(word in DENIED for word in words),
        "unknown": words.count("unknown"),
    }


def statement(denied: Iterable[Decision]) -> Any:  # noqa: ANN401 — a statement of IAM, or a list of them
    """Return the smallest statements that allow what is missing, each under the condition that it is needed under."""
    resources: dict[tuple[str, str], set[str]] = {}
    conditions: dict[str, Mapping[str, Any]] = {}
    for one in denied:
        condition = json.dumps(one.condition, sort_keys=True)
        conditions[condition] = one.condition
        resources.setdefault((one.action, condition), set()).add(one.resource)
    actions: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (action, condition), on in resources.items():
        actions.setdefault((tuple(sorted(on)), condition), []).append(action)
    found = [
        {
            "Effect": "Allow",
            "Action": sorted(which),
            "Resource": list(on),
            **({"Condition": conditions[condition]} if conditions[condition] else {}),
        }
        for (on, condition), which in sorted(actions.items())
    ]
    return found[0] if len(found) == 1 else found


@role_may_do_what_it_is_for.sabotage("nobody allows one of the actions")
def not_allowed(read_roles: Roles, subject: str) -> Roles:
    """Take one away."""
    return _first(read_roles, subject, "implicit_deny")


@role_may_do_what_it_is_for.sabotage("a policy forbids one of the actions")
def forbidden(read_roles: Roles, subject: str) -> Roles:
    """Forbid one."""
    return _first(read_roles, subject, "explicit_deny")


@role_may_do_what_it_is_for.sabotage("all that was found one by one is missing at once")
def all_at_once(read_roles: Roles, subject: str) -> Roles:
    """Take every action away."""
    (seen,) = (one for one in read_roles.facts.roles if one.role == subject)
    return _with(read_roles, subject, tuple(replace(one, decision="implicit_deny") for one in seen.decisions))


@role_may_do_what_it_is_for.sabotage("the machine may not manage the rule by which it hears of the end of builds")
def deaf(read_roles: Roles, subject: str) -> Roles:
    """Take what only a `.sync` task needs."""
    (seen,) = (one for one in read_roles.facts.roles if one.role == subject)
    if not any(one.action in HEARS_OF_BUILDS for one in seen.decisions):
        msg = f"the role of {subject} hears of no build"
        raise NotApplicableError(msg)
    return _with(
        read_roles,
        subject,
        tuple(
            replace(one, decision="implicit_deny") if one.action in HEARS_OF_BUILDS else one for one in seen.decisions
        ),
    )


@role_may_do_what_it_is_for.sabotage("no action was asked about")
def nothing_asked(read_roles: Roles, subject: str) -> Roles:
    """Ask nothing."""
    return _with(read_roles, subject, ())


def _first(read_roles: Roles, subject: str, word: DecisionWord) -> Roles:
    (seen,) = (one for one in read_roles.facts.roles if one.role == subject)
    first, *rest = seen.decisions
    return _with(read_roles, subject, (replace(first, decision=word), *rest))


def _with(read_roles: Roles, subject: str, decisions: tuple[Decision, ...]) -> Roles:
    facts = read_roles.facts
    roles = tuple(replace(one, decisions=decisions) if one.role == subject else one for one in facts.roles)
    return replace(read_roles, observed=replace(facts, roles=roles))
