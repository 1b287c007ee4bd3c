"""The names of the variables in the environment of each Lambda function; what they hold is not looked at."""

import re
from collections.abc import Iterable, Iterator

from drproof.analysis.terraform.evaluating import DEEPEST, Scope, Unknown, value_of
from drproof.analysis.terraform.facts import Written
from drproof.formats import hcl
from drproof.formats.hcl import Block, Expression
from drproof.model.errors import FormatError

FUNCTION = "aws_lambda_function"
LOCAL = re.compile(r"local\.([A-Za-z_][A-Za-z0-9_-]*)")
MERGED = re.compile(r"merge\((.*)\)", re.DOTALL)
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"(?P<key>\s*[=:](?!=))?')
KEY = re.compile(r'[{,\n]\s*(?:"(?P<quoted>[A-Za-z_]\w*)"|(?P<bare>[A-Za-z_]\w*))\s*[=:](?![=>])')
COMPUTED = re.compile(r"\$\{\(?(?P<expression>[^{}]*?)\)?\}")


def function_variables(resources: Iterable[Block], scope: Scope) -> Iterator[Written]:
    """Yield the name of each variable that a function is given, and each place whose names are not known."""
    for block in resources:
        if not block.labels or block.labels[0] != FUNCTION:
            continue
        for inner in block.all_blocks():
            if "variables" in inner.attributes:
                yield from _names(
                    f"{'.'.join(block.labels)}.environment.variables", inner.attributes["variables"], scope
                )


def _names(at: str, value: object, scope: Scope, depth: int = 0) -> Iterator[Written]:
    if value is None:
        return
    if isinstance(value, dict):
        for key in value:
            yield _name(at, key, scope)
        return
    if depth > DEEPEST:
        yield Written(at=at, why="its locals lead in a circle")
        return
    text = value.text if isinstance(value, Expression) else ""
    if (match := LOCAL.fullmatch(text)) is not None and match[1] in scope.locals:
        yield from _names(at, scope.locals[match[1]], scope, depth + 1)
        return
    for part in (parts := _merged(text)):
        yield from _names(at, part, scope, depth + 1)
    if parts:
        return
    come_to = value_of(value, scope)
    if come_to is None or isinstance(come_to, dict):
        yield from _names(at, come_to, scope)
        return
    # What is written as a key may be one, whichever way the expression turns out.
    for match in KEY.finditer(TEXT.sub(lambda found: found[0] if found["key"] else '""', text)):
        yield Written(at=at, value=match["quoted"] or match["bare"])
    why = come_to.why if isinstance(come_to, Unknown) else "it is no map of variables"
    yield Written(at=at, why=why)


def _name(at: str, key: str, scope: Scope) -> Written:
    if "${" not in key:
        return Written(at=at, value=key)
    whole = COMPUTED.fullmatch(key)
    come_to = value_of(Expression(whole["expression"] if whole is not None else f'"{key}"'), scope)
    if isinstance(come_to, str) and come_to:
        return Written(at=at, value=come_to)
    return Written(at=at, why=f"the name {key} is known only when it is planned")


def _merged(text: str) -> list[object]:
    """Return the maps that are merged, as they are written; none where it is no merging of them."""
    if (match := MERGED.fullmatch(text)) is None:
        return []
    try:
        parts = hcl.parse(f"parts = [{match[1]}]".encode()).attributes["parts"]
    except FormatError:
        return []
    return list(parts)
