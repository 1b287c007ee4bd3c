"""What is known of an input where a rule of a Choice holds, and where it does not."""

from collections.abc import Mapping

from drproof.analysis.machine.shapes import Shape, join_all, narrowed
from drproof.formats.asl import rows, text
from drproof.formats.asl_expressions import path_of
from drproof.model.errors import FormatError


def where(rule: Mapping[str, object], taken: Shape, *, holds: bool) -> Shape:
    """Return what is known of an input for which a rule holds, or does not; rules are asked until one decides."""
    if "Not" in rule:
        for inner in rows([rule["Not"]]):
            return where(inner, taken, holds=not holds)
        return taken
    for name, decides in (("And", False), ("Or", True)):
        if name in rule:
            return _of_several(rows(rule[name]), taken, decides=decides, holds=holds)
    if rule.get("IsPresent") is not holds:
        return taken
    try:
        path = path_of(text(rule.get("Variable")))
    except FormatError:
        return taken
    return taken if path.in_context or path.many else narrowed(taken, path.steps)


def _of_several(inner: tuple[Mapping[str, object], ...], taken: Shape, *, decides: bool, holds: bool) -> Shape:
    """Return what is known once several were asked; the first that comes out as `decides` ends the asking."""
    ended = []
    for rule in inner:
        ended.append(where(rule, taken, holds=decides))
        taken = where(rule, taken, holds=not decides)
    return join_all(ended) if holds is decides else taken
