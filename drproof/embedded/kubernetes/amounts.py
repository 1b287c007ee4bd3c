"""Amounts in the form that the API server answers: `1000m` is `1`, `1024Mi` is `1Gi`."""

import math
import re
from fractions import Fraction

from drproof.embedded.kubernetes.quantities import quantity

RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_SUFFIX = re.compile(r"^[+-]?[\d.]*(.*)$")
_KILO = 1000


def valid(text: str) -> bool:
    """Whether it is a quantity."""
    try:
        quantity(text)
    except ValueError:
        return False
    return True


def canonical(text: str) -> str:
    """Return a quantity in its canonical form; text that is none as it is."""
    try:
        number = quantity(text)
    except ValueError:
        return text
    found = _SUFFIX.match(text)
    suffix = found[1] if found else ""
    if suffix.endswith("i") and number.denominator == 1:
        return _binary(int(number))
    return _decimal(number, exponential=suffix[:1] in {"e", "E"} and suffix != "E")


def _binary(number: int) -> str:
    place = 0
    while number and number % 1024 == 0 and place + 1 < len(_BINARY):
        number, place = number // 1024, place + 1
    return f"{number}{_BINARY[place]}"


def _decimal(number: Fraction, *, exponential: bool) -> str:
    # Nothing finer than a billionth is kept: it is rounded up.
    billionths, place = math.ceil(number * 10**9), 0
    if not billionths:
        return "0"
    while billionths % _KILO == 0 and place + 1 < len(_DECIMAL):
        billionths, place = billionths // _KILO, place + 1
    power = 3 * place - 9
    if exponential and power:
        return f"{billionths}e{power}"
    return f"{billionths}{_DECIMAL[place]}"
