"""What an expression comes to by the sources alone: defaults, locals, conditions; the rest is known when planned."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.formats.hcl import Expression

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\$%]|\\.|\$(?!\{)|%(?!\{)|\$\{[^{}"]*\})*")|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)|(?P<sign>\|\||&&|==|!=|[?:!()]))"""
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PART = re.compile(r"\$\{([^{}]*)\}")
WORDS = {"true": True, "false": False, "null": None}
DEEPEST = 50
"""How far locals may lead to one another; what leads further leads in a circle."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the sources do not say; why."""

    why: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a module's names stand for: each variable's value or `Unknown`, each local as it is written."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    locals: Mapping[str, Any] = field(default_factory=dict)


def value_of(value: object, scope: Scope, depth: int = 0) -> Any:  # noqa: ANN401 — any value, or `Unknown`
    """Return what a value comes to by the sources alone, or `Unknown`; of lists and objects each member."""
    if isinstance(value, list):
        return [value_of(one, scope, depth) for one in value]
    if isinstance(value, dict):
        return {key: value_of(one, scope, depth) for key, one in value.items()}
    if not isinstance(value, Expression):
        return value
    if depth > DEEPEST:
        return Unknown("its locals lead in a circle")
    try:
        return _Reader(value.text, scope, depth).all()
    except _UnreadError:
        return Unknown(f"`{value.text}` is known only when it is planned")


class _UnreadError(ValueError):
    """The expression says more than is understood here."""


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str, scope: Scope, depth: int) -> None:
        self._tokens = _tokens(text)
        self._scope, self._depth = scope, depth
        self._at = 0

    def all(self) -> Any:  # noqa: ANN401
        value = self._condition()
        if self._at < len(self._tokens):
            raise _UnreadError
        return value

    def _next(self, *signs: str) -> str:
        """Return the next token where it is one of these signs, and go past it."""
        if self._at < len(self._tokens) and self._tokens[self._at] in {("sign", sign) for sign in signs}:
            self._at += 1
            return self._tokens[self._at - 1][1]
        return ""

    def _condition(self) -> Any:  # noqa: ANN401
        chosen = self._either()
        if not self._next("?"):
            return chosen
        yes = self._condition()
        if not self._next(":"):
            raise _UnreadError
        no = self._condition()
        if isinstance(chosen, Unknown):
            return yes if yes == no else chosen
        return yes if _truth(chosen) else no

    def _either(self) -> Any:  # noqa: ANN401
        return self._joined(self._both, "||", decisive=True)

    def _both(self) -> Any:  # noqa: ANN401
        return self._joined(self._compared, "&&", decisive=False)

    def _joined(self, part: Callable[[], Any], sign: str, *, decisive: bool) -> Any:  # noqa: ANN401
        parts = [part()]
        while self._next(sign):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        if any(not isinstance(one, Unknown) and _truth(one) is decisive for one in parts):
            return decisive
        return next((one for one in parts if isinstance(one, Unknown)), not decisive)

    def _compared(self) -> Any:  # noqa: ANN401
        left = self._single()
        while sign := self._next("==", "!="):
            right = self._single()
            unknown = next((one for one in (left, right) if isinstance(one, Unknown)), None)
            same = left == right and _kind(left) is _kind(right)
            left = unknown if unknown is not None else same is (sign == "==")
        return left

    def _single(self) -> Any:  # noqa: ANN401
        if self._next("!"):
            value = self._single()
            return value if isinstance(value, Unknown) else not _truth(value)
        if self._next("("):
            value = self._condition()
            if not self._next(")"):
                raise _UnreadError
            return value
        if self._at >= len(self._tokens):
            raise _UnreadError
        kind, token = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return float(token) if "." in token else int(token)
        if kind == "text":
            return self._filled(token[1:-1])
        if kind == "name":
            return self._named(token)
        raise _UnreadError

    def _filled(self, text: str) -> Any:  # noqa: ANN401
        if "\\" in text:
            raise _UnreadError
        pieces: list[str] = []
        for number, piece in enumerate(PART.split(text)):
            value = value_of(Expression(piece), self._scope, self._depth + 1) if number % 2 else piece
            if isinstance(value, Unknown):
                return value
            pieces.append(str(value).lower() if isinstance(value, bool) else str(value))
        return "".join(pieces)

    def _named(self, name: str) -> Any:  # noqa: ANN401
        if name in WORDS:
            return WORDS[name]
        root, _, rest = name.partition(".")
        if root == "var" and rest in self._scope.variables:
            return self._scope.variables[rest]
        if root == "local" and rest in self._scope.locals:
            return value_of(self._scope.locals[rest], self._scope, self._depth + 1)
        return Unknown(f"{name} is known only when it is planned")


def _kind(value: object) -> type:
    # Numbers are of one type, however they are written.
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def converted(value: Any, declared: str) -> Any:  # noqa: ANN401 — any value, or `Unknown`
    """Return a variable's value as its declared type has it: `true` of type string is the text "true"."""
    if declared == "string" and isinstance(value, bool | int | float):
        if isinstance(value, bool):
            return str(value).lower()
        return str(int(value)) if isinstance(value, int) or value.is_integer() else str(value)
    if declared == "bool" and isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    if declared == "number" and isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _truth(value: object) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise _UnreadError


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, text = 0, text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _UnreadError
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found
