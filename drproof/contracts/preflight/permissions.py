"""The caller may do what a drill does."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from drproof.model.contract import contract, expected
from drproof.model.readiness import Decision, DecisionWord
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_permissions import SIMULATED, PermissionsObserved, SitePermissions

Permissions = Receipt[PermissionsObserved]
SIDES = ("primary", "recovery")
DENIED: frozenset[DecisionWord] = frozenset({"implicit_deny", "explicit_deny"})


@contract(needs=["read_permissions"], subjects=expected("site", lambda _: SIDES), controls=["NIST AC-6", "NIST CP-2"])
def caller_may_do_what_a_drill_does(read_permissions: Permissions, subject: str) -> Finding:
    """At each site the caller is allowed every action that a drill takes there."""
    seen = getattr(read_permissions.facts, subject)
    denied = _of(seen, DENIED)
    if denied:
        return _refused(seen, denied)
    if seen.status != SIMULATED:
        return undecided(_unasked(seen, subject), observed=_counted(seen))
    unknown = _of(seen, frozenset({"unknown"}))
    if unknown:
        return undecided(
            f"nobody can say whether {seen.principal} may {_named(unknown)}: a condition hangs on what only the call "
            "knows\n  next: allow them without a condition, or look at the condition yourself",
            observed=_counted(seen),
        )
    return hold(
        len(seen.decisions) > 0,
        observed=_counted(seen),
        expected={"denied": 0},
        reason="no action was asked about: the receipt shows nothing",
    )


def _refused(seen: SitePermissions, denied: tuple[Decision, ...]) -> Finding:
    forbidden = [one for one in denied if one.decision == "explicit_deny"]
    wall = (
        f"; {_named(forbidden)} is forbidden by a policy, which no statement lifts: find it first" if forbidden else ""
    )
    return hold(
        not denied,
        observed={**_counted(seen), "missing": sorted({one.action for one in denied})},
        expected={"denied": 0},
        reason=f"{seen.principal} may not {_named(denied)}{wall}\n  next: add this statement to its policy: "
        + json.dumps(_statement(denied)),
    )


def _of(seen: SitePermissions, words: frozenset[DecisionWord]) -> tuple[Decision, ...]:
    return tuple(one for one in seen.decisions if one.decision in words)


def _named(decisions: Iterable[Decision]) -> str:
    return ", ".join(sorted({one.action for one in decisions}))


def _counted(seen: SitePermissions) -> dict[str, Any]:
    return {
        "principal": seen.principal,
        "status": seen.status,
        "asked": len(seen.decisions),
        "denied": len(_of(seen, DENIED)),
        "unknown": len(_of(seen, frozenset({"unknown"}))),
    }


def _statement(denied: Iterable[Decision]) -> Any:  # noqa: ANN401 — a statement of IAM, or a list of them
    """Return the smallest statements that allow what is missing: one for each set of resources."""
    resources: dict[str, set[str]] = {}
    for one in denied:
        resources.setdefault(one.action, set()).add(one.resource)
    actions: dict[tuple[str, ...], list[str]] = {}
    for action, on in resources.items():
        actions.setdefault(tuple(sorted(on)), []).append(action)
    found = [
        {"Effect": "Allow", "Action": sorted(which), "Resource": list(on)} for on, which in sorted(actions.items())
    ]
    return found[0] if len(found) == 1 else found


def _unasked(seen: SitePermissions, side: str) -> str:
    """Return why nobody knows, and what to do; policies that allow everything are no simulation."""
    if seen.principal.endswith(":root"):
        return (
            f"{seen.principal} is the root of the account, of which IAM simulates nothing\n"
            "  next: drill as a role with what drproof policy prints"
        )
    read = (
        "its policies allow everything, and what a boundary or an organization forbids nobody could ask"
        if not _of(seen, frozenset({"unknown"}))
        else "not all of its policies could be read and understood either"
    )
    return (
        f"{seen.principal} may not simulate its own policies ({seen.status}), and {read}\n"
        f"  next: allow it iam:SimulatePrincipalPolicy and iam:GetRole on itself, or give it what drproof policy "
        f"--site {side} prints and run the drill"
    )


@caller_may_do_what_a_drill_does.sabotage("nobody allows one of the actions")
def not_allowed(read_permissions: Permissions, subject: str) -> Permissions:
    """Take one away."""
    return _with(read_permissions, subject, "implicit_deny")


@caller_may_do_what_a_drill_does.sabotage("a policy forbids one of the actions")
def forbidden(read_permissions: Permissions, subject: str) -> Permissions:
    """Forbid one."""
    return _with(read_permissions, subject, "explicit_deny")


@caller_may_do_what_a_drill_does.sabotage("no action was asked about")
def nothing_asked(read_permissions: Permissions, subject: str) -> Permissions:
    """Ask nothing."""
    facts = read_permissions.facts
    changes: dict[str, Any] = {subject: replace(getattr(facts, subject), decisions=())}
    return replace(read_permissions, observed=replace(facts, **changes))


def _with(read_permissions: Permissions, subject: str, word: DecisionWord) -> Permissions:
    facts = read_permissions.facts
    seen: SitePermissions = getattr(facts, subject)
    first, *rest = seen.decisions
    changes: dict[str, Any] = {subject: replace(seen, decisions=(replace(first, decision=word), *rest))}
    return replace(read_permissions, observed=replace(facts, **changes))
