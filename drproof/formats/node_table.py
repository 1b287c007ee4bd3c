"""The table that `kubectl get nodes` prints: how old each node is, as precisely as its column says."""

import re
from dataclasses import dataclass

UNITS = {"y": 31_536_000_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
AGE = re.compile(r"(?:\d{1,6}[ydhms])+", re.ASCII)
PART = re.compile(r"(\d+)([ydhms])")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAge:
    """How old a node is: at least, and less than."""

    node: str
    at_least_ms: int
    less_than_ms: int


def ages(text: str) -> tuple[NodeAge, ...]:
    """Return the age of every node of every table in a text; a row that shows none is left out."""
    found: list[NodeAge] = []
    column = -1
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["NAME"] and "AGE" in words:
            column = words.index("AGE")
        elif not words:
            column = -1
        elif 0 <= column < len(words) and AGE.fullmatch(words[column]):
            parts = PART.findall(words[column])
            age = sum(int(number) * UNITS[unit] for number, unit in parts)
            found.append(NodeAge(node=words[0], at_least_ms=age, less_than_ms=age + UNITS[parts[-1][1]]))
    return tuple(found)
