"""The caller may do what a drill does."""

from dataclasses import replace
from typing import Any

from drproof.contracts.preflight.allowed import Decisions, judged, with_first
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding
from drproof.phases.preflight.read_permissions import PermissionsObserved, SitePermissions

Permissions = Receipt[PermissionsObserved]
SIDES = ("primary", "recovery")


@contract(needs=["read_permissions"], subjects=expected("site", lambda _: SIDES), controls=["NIST AC-6", "NIST CP-2"])
def caller_may_do_what_a_drill_does(read_permissions: Permissions, subject: str) -> Finding:
    """At each site the caller is allowed every action that a drill takes there."""
    seen = _of(read_permissions, subject)
    return judged(seen, who=seen.principal, unasked=_unasked(seen, subject), unsaid="allow them without a condition")


def _unasked(seen: SitePermissions, side: str) -> str:
    """Return why nobody knows, and what to do; policies that allow everything are no simulation."""
    if seen.principal.endswith(":root"):
        return (
            f"{seen.principal} is the root of the account, of which IAM simulates nothing\n"
            "  next: drill as a role with what drproof policy prints"
        )
    read = (
        "not all of its policies could be read and understood either"
        if any(one.decision == "unknown" for one in seen.decisions)
        else "its policies allow everything, and what a boundary or an organization forbids nobody could ask"
    )
    return (
        f"{seen.principal} may not simulate its own policies ({seen.status}), and {read}\n"
        f"  next: allow it iam:SimulatePrincipalPolicy and iam:GetRole on itself, or give it what drproof policy "
        f"--site {side} prints and run the drill"
    )


@caller_may_do_what_a_drill_does.sabotage("nobody allows one of the actions")
def not_allowed(read_permissions: Permissions, subject: str) -> Permissions:
    """Take one away."""
    return _with(read_permissions, subject, with_first(_of(read_permissions, subject).decisions, "implicit_deny"))


@caller_may_do_what_a_drill_does.sabotage("a policy forbids one of the actions")
def forbidden(read_permissions: Permissions, subject: str) -> Permissions:
    """Forbid one."""
    return _with(read_permissions, subject, with_first(_of(read_permissions, subject).decisions, "explicit_deny"))


@caller_may_do_what_a_drill_does.sabotage("no action was asked about")
def nothing_asked(read_permissions: Permissions, subject: str) -> Permissions:
    """Ask nothing."""
    return _with(read_permissions, subject, ())


def _of(read_permissions: Permissions, subject: str) -> SitePermissions:
    seen: SitePermissions = getattr(read_permissions.facts, subject)
    return seen


def _with(read_permissions: Permissions, subject: str, decisions: Decisions) -> Permissions:
    facts = read_permissions.facts
    changes: dict[str, Any] = {subject: replace(_of(read_permissions, subject), decisions=decisions)}
    return replace(read_permissions, observed=replace(facts, **changes))
