"""Quantities of Kubernetes: `500m`, `512Mi`, `1e3` and plain numbers, by their value."""

import re
from fractions import Fraction
from typing import Final

from drproof.model.errors import FormatError

QUANTITY = re.compile(
    r"(?P<number>[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40}))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
SUFFIXES: Final = {
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("num", start=-3)},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}


def parse(quantity: str | float) -> Fraction:
    """Return the value of a quantity, exactly.

    Raises:
        FormatError: `quantity`.
    """
    match = QUANTITY.fullmatch(quantity if isinstance(quantity, str) else repr(quantity))
    if match is None:
        raise FormatError("quantity", f"{str(quantity)[:40]!r} is no quantity")
    scale = SUFFIXES[match["suffix"]] if match["suffix"] else Fraction(10) ** int(match["exponent"] or 0)
    return Fraction(match["number"]) * scale


def same(one: object, other: object) -> bool:
    """Whether both are quantities of the same value."""
    if not isinstance(one, str | int | float) or not isinstance(other, str | int | float):
        return False
    try:
        return parse(one) == parse(other)
    except FormatError:
        return False
