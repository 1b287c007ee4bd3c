"""Statements of policies: whether they speak of an action, and what they make of it where a condition asks for more.

What a condition asks for and nobody gave is missing, as IAM's own simulation has it. An operator that is not here
stops the simulation: one that is passed over would allow what the real platform forbids.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from moto.iam.exceptions import InvalidInput

Context: TypeAlias = Mapping[str, tuple[str, ...]]
IF_EXISTS = "IfExists"
ALLOW, DENY = "Allow", "Deny"


@dataclass(frozen=True, slots=True)
class Said:
    """What policies make of an action, and the keys of conditions that nobody gave a value for."""

    decision: str
    missing: frozenset[str] = frozenset()


def decide(policies: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context) -> Said:
    """Return what all policies together say: a denial counts before whatever allows."""
    effects: set[str] = set()
    missing: set[str] = set()
    for statement in (one for policy in policies for one in _listed(policy.get("Statement"))):
        if not (_speaks_of(statement, "Action", action) and _speaks_of(statement, "Resource", resource)):
            continue
        lacking = _lacking(statement, context)
        if lacking:
            missing |= lacking
        elif _holds(statement, context):
            effects.add(str(statement["Effect"]))
    if DENY in effects:
        return Said("explicitDeny")
    return Said("allowed") if ALLOW in effects else Said("implicitDeny", frozenset(missing))


def _listed(found: Any) -> list[Any]:  # noqa: ANN401 — one of them, or a list
    return found if isinstance(found, list) else [found]


def _speaks_of(statement: Mapping[str, Any], side: str, asked: str) -> bool:
    fold = side == "Action"
    if f"Not{side}" in statement:
        return not any(_like(one, asked, fold=fold) for one in _listed(statement[f"Not{side}"]))
    return any(_like(one, asked, fold=fold) for one in _listed(statement[side]))


def _like(pattern: str, asked: str, *, fold: bool = False) -> bool:
    """Return whether a pattern fits. Where both have wildcards, what is asked must lie within the pattern."""
    return _expression(pattern, fold=fold).fullmatch(asked) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str, *, fold: bool) -> re.Pattern[str]:
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if fold else re.NOFLAG))


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, tuple(str(one) for one in _listed(values))


def _lacking(statement: Mapping[str, Any], context: Context) -> frozenset[str]:
    return frozenset(
        key
        for operator, key, _ in _conditions(statement)
        if key.lower() not in context and not operator.endswith(IF_EXISTS)
    )


def _holds(statement: Mapping[str, Any], context: Context) -> bool:
    return all(_met(operator, context.get(key.lower()), values) for operator, key, values in _conditions(statement))


def _met(operator: str, given: tuple[str, ...] | None, values: tuple[str, ...]) -> bool:
    name = operator.removesuffix(IF_EXISTS)
    if name == "Null":
        return str(given is None).lower() in values
    if name not in OPERATORS:
        raise InvalidInput(f"the embedded world has no condition operator {operator}")
    if given is None:
        return True
    return any(OPERATORS[name](value, one) for one in given for value in values)


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, given: value.lower() == given.lower(),
    "StringEquals": lambda value, given: value == given,
    "StringLike": _like,
}
