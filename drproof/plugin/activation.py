"""Which plan a mark expression asks for: only a positive name starts anything."""

import re

import pytest

from drproof.plugin import PLANS

WORD = re.compile(r"[\w:+.\[\]\\/-]+")


def asked_for(expression: str) -> str:
    """Return the one mark that the expression positively names, or "" when it names none.

    A mark is positively named when an item that carries only it is selected, and an item without it is not.

    Raises:
        pytest.UsageError: the expression names several plans, of which only one can run.
    """
    named = [mark for mark in PLANS if mark in WORD.findall(expression)]
    positive = [mark for mark in named if _selects(expression, {mark}) and not _selects(expression, set())]
    if len(positive) > 1:
        msg = (
            f"-m {expression!r} names {len(positive)} plans ({', '.join(positive)}); expected one of them\n"
            f"  next: pytest -m {positive[0]}"
        )
        raise pytest.UsageError(msg)
    return positive[0] if positive else ""


def _selects(expression: str, marks: set[str]) -> bool:
    """Evaluate a mark expression; names are words, so hyphens are no operators."""
    python = re.sub(
        WORD,
        lambda match: match[0] if match[0] in {"and", "or", "not"} else str(match[0] in marks),
        re.sub(r"\([^()]*=[^()]*\)", "", expression),
    )
    try:
        return bool(eval(python, {"__builtins__": {}}))  # noqa: S307 — only True, False, operators and brackets remain
    except SyntaxError:
        # pytest itself says what is wrong with the expression.
        return False
