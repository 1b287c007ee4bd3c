"""What policy documents say of an action: allowed, denied, or nobody can say without asking.

The evaluation is that of identity policies: what an organization, a boundary or a resource's own policy adds is in
none of these documents. What is not understood, such as a condition, never counts for either side: the answer is
`unknown` wherever it could decide.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from drproof.model.readiness import DecisionWord

VARIABLE = re.compile(r"\$\{[^}]*\}")
PIECE = re.compile(r"[*?]|[^*?]+")
WILD = {"*": ".*", "?": "."}


class Match(Enum):
    """Whether a statement speaks of what is asked."""

    NO = 0
    MAYBE = 1
    YES = 2


def decide(documents: Iterable[Mapping[str, Any]], action: str, resource: str) -> DecisionWord:
    """Return what all documents together say of one action on one resource.

    A denial counts before whatever allows; a statement that nobody can read may be either.
    """
    matches: dict[str, Match] = {"Allow": Match.NO, "Deny": Match.NO}
    for statement in (one for document in documents for one in _statements(document)):
        found = _speaks_of(statement, action, resource)
        effect = statement.get("Effect")
        for side in [str(effect)] if effect in matches else list(matches):
            known = found if effect in matches else Match(min(found.value, Match.MAYBE.value))
            matches[side] = max(matches[side], known, key=lambda match: match.value)
    if matches["Deny"] is Match.YES:
        return "explicit_deny"
    if matches["Deny"] is Match.MAYBE:
        return "unknown"
    words: dict[Match, DecisionWord] = {Match.YES: "allowed", Match.MAYBE: "unknown", Match.NO: "implicit_deny"}
    return words[matches["Allow"]]


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("Statement")
    listed = found if isinstance(found, list) else [found]
    return [one if isinstance(one, Mapping) else {} for one in listed]


def _speaks_of(statement: Mapping[str, Any], action: str, resource: str) -> Match:
    of_action = _side(statement, "Action", action, fold=True)
    of_resource = _side(statement, "Resource", resource, fold=False)
    together = min(of_action, of_resource, key=lambda match: match.value)
    if together is Match.YES and statement.get("Condition"):
        return Match.MAYBE
    return together


def _side(statement: Mapping[str, Any], name: str, asked: str, *, fold: bool) -> Match:
    """Return whether the actions, or the resources, of a statement include what is asked."""
    without = f"Not{name}"
    if (name in statement) == (without in statement):
        # Neither or both is no statement of IAM's language.
        return Match.MAYBE
    found = _among(statement.get(name, statement.get(without)), asked, fold=fold)
    return found if name in statement else Match(Match.YES.value - found.value)


def _among(patterns: object, asked: str, *, fold: bool) -> Match:
    listed = patterns if isinstance(patterns, list) else [patterns]
    found = [_fits(one, asked, fold=fold) if isinstance(one, str) else Match.MAYBE for one in listed]
    return max(found, key=lambda match: match.value, default=Match.NO)


def _fits(pattern: str, asked: str, *, fold: bool) -> Match:
    """Return whether a pattern with `*` and `?` fits; one with a variable may, whatever stands for it."""
    widened = VARIABLE.sub("*", pattern)
    expression = PIECE.sub(lambda piece: WILD.get(piece[0], re.escape(piece[0])), widened)
    flags = re.DOTALL | (re.IGNORECASE if fold else re.NOFLAG)
    if re.fullmatch(expression, asked, flags) is None:
        return Match.NO
    return Match.YES if widened == pattern else Match.MAYBE
