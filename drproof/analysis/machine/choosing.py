"""Which rule of a Choice holds."""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any

from drproof.analysis.machine.values import NotReplayableError, Part, StateError, View, is_unsaid
from drproof.formats import timestamps
from drproof.formats.asl import rows, text
from drproof.formats.asl_expressions import path_of
from drproof.model.errors import FormatError

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": eq,
    "LessThan": lt,
    "GreaterThan": gt,
    "LessThanEquals": le,
    "GreaterThanEquals": ge,
}
NAME = re.compile(r"(?P<kind>String|Numeric|Boolean|Timestamp)(?P<how>[A-Za-z]+?)(?P<path>Path)?")


def holds(rule: Mapping[str, Any], view: View) -> bool:
    """Return whether a rule holds for what a state sees.

    Raises:
        StateError: `States.Runtime`, where the rule asks for a value that is not there.
    """
    if "And" in rule:
        return all(holds(inner, view) for inner in rows(rule["And"]))
    if "Or" in rule:
        return any(holds(inner, view) for inner in rows(rule["Or"]))
    if "Not" in rule:
        return not holds(rows([rule["Not"]])[0], view)
    variable = text(rule.get("Variable"))
    if "IsPresent" in rule:
        return _is_there(variable, view) is rule["IsPresent"]
    value = _known(variable, view)
    for name, expected in rule.items():
        if name in IS:
            return IS[name](value) is expected
        if name == "StringMatches":
            return isinstance(value, str) and _matches(value, text(expected))
        if found := NAME.fullmatch(name):
            return _compares(found, value, view.at(text(expected)) if found["path"] else expected)
    raise StateError("States.Runtime", "A rule of the choice compares nothing")


def _is_there(variable: str, view: View) -> bool:
    found, value = view.looked_up(path_of(variable))
    if isinstance(value, Part):
        raise NotReplayableError(f"a choice asks whether {variable} is there, which is not known")
    return found


def _known(variable: str, view: View) -> Any:  # noqa: ANN401
    value = view.at(variable)
    if is_unsaid(value):
        raise NotReplayableError(f"a choice asks for {variable}, which is not known")
    return value


def _compares(found: re.Match[str], value: object, expected: object) -> bool:
    compare = COMPARISONS.get(found["how"])
    if compare is None:
        raise NotReplayableError(f"{found[0]} is no comparison")
    one, other = KINDS[found["kind"]](value), KINDS[found["kind"]](expected)
    return one is not None and other is not None and compare(one, other)


def _matches(value: str, pattern: str) -> bool:
    parts = [part.replace("\\*", "*").replace("\\\\", "\\") for part in re.split(r"(?<!\\)\*", pattern)]
    return re.fullmatch(".*".join(map(re.escape, parts)), value, re.DOTALL) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(value: object) -> Any:  # noqa: ANN401
    try:
        return timestamps.parse(value) if isinstance(value, str) else None
    except FormatError:
        return None


IS: Mapping[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": _is_number,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: _instant(value) is not None,
}
KINDS: Mapping[str, Callable[[Any], Any]] = {
    "String": lambda value: value if isinstance(value, str) else None,
    "Numeric": lambda value: value if _is_number(value) else None,
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Timestamp": _instant,
}
"""Of each kind of comparison what a value counts as; None where it is of another kind, and no comparison holds."""
