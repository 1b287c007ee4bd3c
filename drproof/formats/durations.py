"""Durations as operators type them: `90s`, `1h30m`, `36h`, `200ms`."""

import re

from drproof.model.errors import FormatError

UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
SHAPE = re.compile(r"(?:\d{1,9}(?:ms|[dhms]))+", re.ASCII)
PART = re.compile(r"(\d+)(ms|[dhms])")


def parse(text: str) -> int:
    """Return a duration in milliseconds; units go from large to small, each once."""
    if not SHAPE.fullmatch(text):
        raise FormatError("duration", f"expected a duration such as 90s, 30m or 1h30m, got {text!r}")
    parts = PART.findall(text)
    order = [list(UNITS).index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        raise FormatError("duration", f"expected units from large to small, each once, got {text!r}")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def show(milliseconds: int) -> str:
    """Return a duration for people: at most two units, `1 h 30 min`, `4.2 s`, `870 ms`."""
    if milliseconds < UNITS["s"]:
        return f"{milliseconds} ms"
    if milliseconds < UNITS["m"]:
        return f"{milliseconds // 1000}.{milliseconds % 1000 // 100} s"
    for big, small, names in (("m", "s", ("min", "s")), ("h", "m", ("h", "min"))):
        if milliseconds < UNITS[big] * (60 if big == "m" else 24):
            return _two(milliseconds, UNITS[big], UNITS[small], names)
    return _two(milliseconds, UNITS["d"], UNITS["h"], ("d", "h"))


def _two(milliseconds: int, big: int, small: int, names: tuple[str, str]) -> str:
    rest = milliseconds % big // small
    return f"{milliseconds // big} {names[0]} {rest} {names[1]}" if rest else f"{milliseconds // big} {names[0]}"
