"""What policy documents say of an action: allowed, denied, or nobody can say without asking.

The evaluation is that of identity policies: what an organization, a boundary or a resource's own policy adds is in
none of these documents. What is not understood, such as a condition on a key that nobody named, never counts for
either side: the answer is `unknown` wherever it could decide.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, TypeAlias

from drproof.model.readiness import Condition, DecisionWord

Carried: TypeAlias = Mapping[str, tuple[str, ...]]
"""What a call carries by the keys of conditions: an absent one is unknown, an empty one not carried."""

VARIABLE = re.compile(r"\$\{[^}]*\}")
PIECE = re.compile(r"[*?]|[^*?]+")
WILD = {"*": ".*", "?": "."}
IF_EXISTS = "IfExists"
COMPARED = {"StringEquals": False, "StringLike": True, "ArnEquals": True, "ArnLike": True}
"""The operators that are understood besides `Null`, and whether their values are patterns."""
ARN_COLONS = 5
"""How many colons divide an ARN; no pattern goes across one of them."""
WORST: tuple[DecisionWord, ...] = ("allowed", "unknown", "implicit_deny", "explicit_deny")
"""Of several ways to ask the same, the worst answer counts."""


class Match(Enum):
    """Whether a statement speaks of what is asked."""

    NO = 0
    MAYBE = 1
    YES = 2


def worst(words: Iterable[DecisionWord]) -> DecisionWord:
    """Return the answer that counts of several ways to ask the same; there is at least one."""
    return max(words, key=WORST.index)


def meeting(condition: Condition) -> Iterator[Carried]:
    """Yield what calls carry by which a condition holds: one for each value that it names."""
    keys = [(test, key, value) for test, rows in condition.items() for key, value in rows.items()]
    longest = max((len(values) for _, _, values in keys), default=1)
    for number in range(longest):
        yield {key: (_given(test, values[number % len(values)]),) for test, key, values in keys}


def _given(test: str, value: str) -> str:
    """Return a value for a key, such that a condition with this value holds."""
    return "given" if test == "Null" else value.replace("*", "x")


def decide(
    documents: Iterable[Mapping[str, Any]], action: str, resource: str, carried: Carried | None = None
) -> DecisionWord:
    """Return what all documents together say of one action on one resource, in a call that carries this.

    A denial counts before whatever allows; a statement that nobody can read may be either.
    """
    matches: dict[str, Match] = {"Allow": Match.NO, "Deny": Match.NO}
    by_key = {key.lower(): values for key, values in (carried or {}).items()}
    for statement in (one for document in documents for one in _statements(document)):
        found = _speaks_of(statement, action, resource, by_key)
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


def _speaks_of(statement: Mapping[str, Any], action: str, resource: str, carried: Carried) -> Match:
    of_action = _side(statement, "Action", action, fold=True)
    of_resource = _side(statement, "Resource", resource, fold=False)
    return _all((of_action, of_resource, _met(statement.get("Condition") or {}, carried)))


def _all(matches: Iterable[Match]) -> Match:
    return min(matches, key=lambda match: match.value, default=Match.YES)


def _met(condition: object, carried: Carried) -> Match:
    """Return whether a condition holds, all of its tests together."""
    if not isinstance(condition, Mapping):
        return Match.MAYBE
    return _all(
        _test(str(operator), values, carried.get(str(key).lower()))
        for operator, keys in condition.items()
        for key, values in (keys if isinstance(keys, Mapping) else {"": ()}).items()
    )


def _test(operator: str, values: object, given: tuple[str, ...] | None) -> Match:
    """Return whether one test holds of what a call carries by its key; `given` is None where nobody knows."""
    name, listed = operator.removesuffix(IF_EXISTS), values if isinstance(values, list | tuple) else [values]
    if given is None or (name not in COMPARED and operator != "Null"):
        return Match.MAYBE
    if operator == "Null":
        wanted = "false" if given else "true"
        return Match.YES if wanted in {str(value).lower() for value in listed} else Match.NO
    if not given:
        return Match.YES if operator.endswith(IF_EXISTS) else Match.NO
    found = [_compares(name, value, one) for value in listed for one in given]
    return max(found, key=lambda match: match.value, default=Match.NO)


def _compares(name: str, value: object, given: str) -> Match:
    if not isinstance(value, str):
        return Match.MAYBE
    if not COMPARED[name] and VARIABLE.search(value) is None:
        return Match.YES if value == given else Match.NO
    if not name.startswith("Arn"):
        return _fits(value, given, fold=False)
    # A variable has a colon in its own name.
    pairs = list(zip(VARIABLE.sub("${}", value).split(":", ARN_COLONS), given.split(":", ARN_COLONS), strict=False))
    return _all(_fits(part, other, fold=False) for part, other in pairs) if len(pairs) > ARN_COLONS else Match.MAYBE


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
