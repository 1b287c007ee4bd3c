"""Refusals: the caller is wrong, nothing was changed, and the message names the next command."""

import difflib
from collections.abc import Iterable

MEANT = "did you mean"


class Refusal(ValueError):  # noqa: N818 — the word of the field: a drill is refused, it does not err
    """The drill is refused before any effect; drivers end with exit status 4."""


def refuse(what: str, *, expected: str = "", got: str = "", next_step: str = "") -> Refusal:
    """Return a refusal that says what, expected, got and the next command."""
    parts = [what]
    if expected:
        # A question of ours is no value.
        parts.append(expected if expected.startswith(MEANT) else f"expected {expected}")
    if got:
        parts.append(f"got {got}")
    text = "; ".join(parts)
    return Refusal(f"{text}\n  next: {next_step}" if next_step else text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean …?` for a misspelt name, or the list of known ones."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"{MEANT} {close[0]!r}?" if close else f"known: {', '.join(known)}"
