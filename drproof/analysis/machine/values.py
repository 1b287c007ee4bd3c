"""What paths and templates come to, in one state of a replay."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.machine.intrinsics import Chance, RefusedError, call
from drproof.formats.asl import text
from drproof.formats.asl_expressions import Call, Expression, Literal, Path, expression_of, is_expression, path_of
from drproof.model.errors import FormatError

TEXTS = frozenset(f"States.{name}" for name in ("Format", "JsonToString", "Base64Encode", "Base64Decode", "Hash"))
"""The functions that answer with a text whatever they are asked of."""


UNSAID = "\ue000"
"""Stands in a text for what a record of an execution does not repeat: an instant, a token, the words of a cause."""


class Part(dict[str, Any]):
    """An object of which only these members are known: whatever else is asked of it is there, and unknown as well."""

    def __contains__(self, name: object) -> bool:
        """Say that it may have a member of any name."""
        return True

    def __missing__(self, name: str | int) -> "Part":
        """Return a member, or an item, that nothing is known of."""
        return Part()


def is_unsaid(value: object) -> bool:
    """Return whether something in a value is not known."""
    if isinstance(value, str):
        return UNSAID in value
    if isinstance(value, list):
        return any(map(is_unsaid, value))
    return isinstance(value, Part) or (isinstance(value, dict) and any(map(is_unsaid, value.values())))


class StateError(Exception):
    """An error of an execution, by the name that handlers know it by."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class NotReplayableError(Exception):
    """The machine uses something that this replay does not have: nothing can be said of its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a state sees: an input, the context object, and chance."""

    given: Any
    context: Mapping[str, Any]
    chance: Chance

    def over(self, given: Any) -> "View":  # noqa: ANN401
        """Return the same view of another input."""
        return View(given=given, context=self.context, chance=self.chance)

    def at(self, said: str) -> Any:  # noqa: ANN401
        """Return the value that a path leads to.

        Raises:
            StateError: `States.Runtime`, where it leads to none.
        """
        found, value = self.looked_up(_path(said))
        if not found:
            raise StateError("States.Runtime", f"The path {said} leads to nothing in the input of this state")
        return value

    def looked_up(self, path: Path) -> tuple[bool, Any]:
        """Return whether a path leads to a value, and that value."""
        if path.many:
            raise NotReplayableError(f"{path} may choose several values")
        value: Any = self.context if path.in_context else self.given
        for step in path.steps:
            named = isinstance(step, str) and isinstance(value, Mapping) and step in value
            numbered = isinstance(step, int) and _may_have(value, step)
            if not named and not numbered:
                return False, None
            value = value[step]
        return True, value

    def filled(self, template: Any) -> Any:  # noqa: ANN401
        """Return what a payload template makes of the input."""
        if isinstance(template, list):
            return [self.filled(item) for item in template]
        if not isinstance(template, dict):
            return template
        return {
            key.removesuffix(".$"): self._said(value) if key.endswith(".$") else self.filled(value)
            for key, value in template.items()
        }

    def _said(self, value: object) -> Any:  # noqa: ANN401
        if not is_expression(text(value)):
            raise StateError("States.Runtime", "A key that ends in .$ has neither a path nor a function")
        try:
            expression = expression_of(text(value))
        except FormatError as exc:
            raise StateError("States.Runtime", str(exc)) from exc
        try:
            return self._evaluated(expression)
        except RefusedError as exc:
            raise StateError("States.IntrinsicFailure", str(exc)) from exc

    def _evaluated(self, expression: Expression) -> Any:  # noqa: ANN401
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, Path):
            found, value = self.looked_up(expression)
            if not found:
                # The specification has a name for it that can be caught; the service ends the execution instead.
                why = f"The path {expression} leads to nothing in the input of this state"
                raise StateError("States.Runtime", why)
            return copy.deepcopy(value)
        return self._called(expression)

    def _called(self, said: Call) -> Any:  # noqa: ANN401
        arguments = [self._evaluated(argument) for argument in said.arguments]
        if not is_unsaid(arguments) or said.name == "States.Array" or _fills_texts(said.name, arguments):
            return call(said.name, arguments, self.chance)
        if said.name in TEXTS:
            return UNSAID
        raise NotReplayableError(f"{said.name} is asked of a value that is not known")


def _may_have(value: object, index: int) -> bool:
    """Return whether a value has an item there, or may have: what nothing is known of may be a list."""
    return index < len(value) if isinstance(value, list) else isinstance(value, Part) and not value


def _fills_texts(name: str, arguments: list[Any]) -> bool:
    """Return whether a text is filled with texts that are not known: what stands around them is."""
    template, *values = arguments
    return (
        name == "States.Format"
        and not is_unsaid(template)
        and all(isinstance(v, str) or not is_unsaid(v) for v in values)
    )


def placed(given: Any, where: object, result: Any) -> Any:  # noqa: ANN401
    """Return an input with a result at the place that `ResultPath` names; None discards the result.

    Raises:
        StateError: `States.ResultPathMatchFailure`, where the input has no such place.
    """
    if where is None:
        return given
    path = _path(text(where))
    if not path.steps:
        return result
    whole = copy.deepcopy(given)
    inner = whole
    for number, step in enumerate(path.steps):
        if not isinstance(inner, dict) or not isinstance(step, str):
            raise StateError("States.ResultPathMatchFailure", f"{path} is no place in the input of this state")
        if number == len(path.steps) - 1:
            inner[step] = result
        else:
            inner = inner.setdefault(step, {})
    return whole


def _path(said: str) -> Path:
    try:
        return path_of(said)
    except FormatError as exc:
        raise StateError("States.Runtime", str(exc)) from exc
