"""Whether a block is made at each plan, at some, or at none, by its `count` or its `for_each`.

What a variable of a root module says, and data, may be otherwise at each plan: both are free. What hangs on neither is
the same each time, whatever its default is.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from drproof.analysis.terraform.evaluating import DEEPEST, Scope, Unknown, value_of
from drproof.formats import hcl
from drproof.formats.hcl import Block, Expression, texts
from drproof.model.errors import FormatError

How = Literal["always", "sometimes", "never", "unknown"]
NAME = re.compile(r'(?<![\w."-])([A-Za-z_][\w-]*)\.([A-Za-z_][\w-]*)')
PLAIN = re.compile(r'"[^"$]*"')
"""A text into which nothing is put."""
REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w*-]+|\[[^\[\]]*\])+")
AS_MANY = re.compile(r"(?:length|tolist|tomap|toset)?\((.*)\)", re.DOTALL)
"""What has as many members as what it is made of, or says how many those are; brackets alone among them."""
OPENING, ENDING = frozenset("([{"), frozenset(")]}")
FIXED = frozenset({"count", "each", "path"})
"""What a name may begin with that is neither a variable nor data."""


@dataclass(frozen=True, slots=True)
class Free(Unknown):
    """A value that whoever plans a root module says."""

    why: str = "it is said when it is planned"


@dataclass(frozen=True, slots=True)
class Passed(Unknown):
    """A value that a call passes to its module, as it is written there."""

    why: str = "its caller passes what is known only when it is planned"
    value: object = None
    scope: Scope = field(default_factory=Scope)


def made(block: Block, scope: Scope) -> How:
    """Return at which plans a block is made."""
    for name in ("count", "for_each"):
        if name in block.attributes:
            return many(block.attributes[name], scope)
    return "always"


def many(value: object, scope: Scope, depth: int = 0) -> How:
    """Return at which plans a number is not 0, or a list, a set or a map is not empty."""
    known = value_of(value, scope)
    if not isinstance(known, Unknown):
        return _told(known)
    if depth > DEEPEST or not isinstance(value, Expression):
        return "unknown"
    return _written(value.text.strip(), scope, depth + 1)


def hangs(value: object, scope: Scope, depth: int = 0) -> bool:
    """Return whether a value hangs on what is free."""
    if depth > DEEPEST:
        return False
    for text in texts(value):
        for root, name in NAME.findall(PLAIN.sub("", text)):
            if root == "local":
                found = hangs(scope.locals.get(name), scope, depth + 1)
            elif root == "var":
                given = scope.variables.get(name)
                found = isinstance(given, Free) or (
                    isinstance(given, Passed) and hangs(given.value, given.scope, depth + 1)
                )
            else:
                found = root not in FIXED
            if found:
                return True
    return False


def _told(known: object) -> How:
    if isinstance(known, (list, dict)):
        return "always" if known else "never"
    if isinstance(known, bool) or not str(known).isdecimal():
        return "unknown"
    return "always" if int(str(known)) else "never"


def _written(text: str, scope: Scope, depth: int) -> How:
    root, _, name = text.partition(".")
    if root == "local" and name in scope.locals:
        return many(scope.locals[name], scope, depth)
    if root == "var" and isinstance(given := scope.variables.get(name), Passed):
        return many(given.value, given.scope, depth)
    if (branches := split(text)) is not None:
        return _chosen(branches, scope, depth)
    if (match := AS_MANY.fullmatch(text)) is not None:
        return many(_parsed(match[1]), scope, depth)
    if REFERENCE.fullmatch(text):
        return "sometimes" if hangs(Expression(text), scope) else "unknown"
    return "unknown"


def _chosen(branches: tuple[str, str, str], scope: Scope, depth: int) -> How:
    condition, *rest = (_parsed(one) for one in branches)
    ways: list[How] = [many(one, scope, depth) for one in rest]
    chosen = value_of(condition, scope)
    if chosen in (True, "true"):
        return ways[0]
    if chosen in (False, "false"):
        return ways[1]
    if ways[0] == ways[1]:
        return ways[0]
    if "unknown" in ways or not hangs(condition, scope):
        return "unknown"
    return "sometimes"


def _parsed(text: str) -> object:
    try:
        return hcl.parse(f"value = {text}".encode()).attributes.get("value", Unknown("it is no value"))
    except FormatError:
        return Unknown("it is not understood")


def split(text: str) -> tuple[str, str, str] | None:
    """Return the parts of `condition ? yes : no`; None where it is no such expression."""
    depth, quoted, asked, question = 0, False, 0, 0
    for at, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in OPENING:
            depth += 1
        elif sign in ENDING:
            depth -= 1
        elif depth == 0 and sign == "?":
            question = question or at
            asked += 1
        elif depth == 0 and sign == ":" and asked:
            asked -= 1
            if asked == 0:
                return text[:question].strip(), text[question + 1 : at].strip(), text[at + 1 :].strip()
    return None
