"""How a preflight judges what a principal may do: what is denied refutes, what nobody could ask leaves it open."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from drproof.model.readiness import Decision, DecisionWord
from drproof.model.verdict import Finding, Status, hold, undecided
from drproof.phases.preflight.read_permissions import SIMULATED, SitePermissions
from drproof.phases.preflight.read_roles import RoleRead

DENIED: frozenset[DecisionWord] = frozenset({"implicit_deny", "explicit_deny"})
Decisions = tuple[Decision, ...]


Asked = SitePermissions | RoleRead


def judged(seen: Asked, *, who: str, without: str = "", unasked: str, unsaid: str) -> Finding:
    """Return the finding about one principal.

    `who` it is for people; `without` what it loses with what is denied; `unasked` why nobody could ask; `unsaid` what
    to do where nobody can say.
    """
    lacking, unknown = denied(seen), [one for one in seen.decisions if one.decision == "unknown"]
    observed: dict[str, Any] = {
        "principal": seen.principal,
        "status": seen.status,
        "asked": len(seen.decisions),
        "denied": len(lacking),
        "unknown": len(unknown),
    }
    if lacking:
        forbidden = [one for one in lacking if one.decision == "explicit_deny"]
        wall = f"; {named(forbidden)} is forbidden by a policy, which no statement lifts: find it first"
        return Finding(
            Status.REFUTED,
            {**observed, "missing": sorted({one.action for one in lacking})},
            {"denied": 0},
            f"{who} may not {named(lacking)} (for {'; '.join(sorted({one.verb for one in lacking}))}){without}"
            f"{wall if forbidden else ''}\n  next: add this statement to its policy: {json.dumps(statement(lacking))}",
        )
    if seen.status != SIMULATED:
        return undecided(unasked, observed=observed)
    if unknown:
        return undecided(
            f"nobody can say whether {seen.principal} may {named(unknown)}: a condition hangs on what only the call "
            f"knows\n  next: {unsaid}, or look at the condition yourself",
            observed=observed,
        )
    return hold(
        len(seen.decisions) > 0,
        observed=observed,
        expected={"denied": 0},
        reason="no action was asked about: the receipt shows nothing\n  next: pytest -m preflight again",
    )


def denied(seen: Asked) -> Decisions:
    """Return the decisions by which an action is not allowed."""
    return tuple(one for one in seen.decisions if one.decision in DENIED)


def named(decisions: Iterable[Decision]) -> str:
    """Return the actions as a sentence names them, each once."""
    return ", ".join(sorted({one.action for one in decisions}))


def with_first(decisions: Decisions, word: DecisionWord) -> Decisions:
    """Return decisions of which the first is another one, for sabotages."""
    first, *rest = decisions
    return (replace(first, decision=word), *rest)


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
