"""One setting: its place, its option, its environment variable, its kind, and how a value becomes one of its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drproof.formats import booleans, durations
from drproof.model.errors import FormatError

Kind = Literal["text", "account", "duration", "count", "flag", "names", "words", "table", "commands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One setting."""

    path: str
    kind: Kind
    says: str
    option: str = ""
    environment: str = ""
    default: object = None
    """Used when nobody says anything; None means that the setting is required."""
    of_the_world: bool = True
    """Whether it names a place: against the embedded world the environment does not speak of places."""
    choices: tuple[str, ...] = ()
    optional: bool = False
    """Whether `drproof.toml` may say "" for none at all; an empty variable of a CI system still is a mistake."""
    switch: bool = False
    """Whether its option takes no value: to give it is to say yes."""


def row(  # noqa: PLR0913 — one row of a table
    path: str,
    kind: Kind,
    says: str,
    *,
    option: str = "",
    environment: str = "",
    default: object = None,
    of_the_world: bool = True,
    choices: tuple[str, ...] = (),
    optional: bool = False,
    switch: bool = False,
) -> Leaf:
    """Return one row of the table of settings."""
    return Leaf(
        path=path,
        kind=kind,
        says=says,
        option=option,
        environment=environment,
        default=default,
        of_the_world=of_the_world,
        choices=choices,
        optional=optional,
        switch=switch,
    )


def convert(leaf: Leaf, value: object) -> Any:  # noqa: ANN401 — each kind has its own type
    """Return a setting's value as its kind says.

    Raises:
        ValueError: it is not of that kind, or none of the choices.
    """
    try:
        converted = _CONVERTERS[leaf.kind](value)
    except FormatError as exc:
        raise ValueError(str(exc)) from exc
    if leaf.choices and converted not in leaf.choices:
        msg = f"expected one of {', '.join(leaf.choices)}, got {value!r}"
        raise ValueError(msg)
    return converted


def empty(leaf: Leaf) -> Any:  # noqa: ANN401 — each kind has its own type
    """Return what a setting is when it is missing and not needed."""
    return {"duration": 0, "count": 0, "flag": False, "names": (), "words": (), "table": {}, "commands": ()}.get(
        leaf.kind, ""
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"expected text, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    return value


def _account(value: object) -> str:
    text = _text(value)
    if text and not (text.isascii() and text.isdigit() and len(text) == 12):  # noqa: PLR2004 — an AWS account number
        msg = f"expected an account number of 12 digits, got {text!r}"
        raise ValueError(msg)
    return text


def _duration(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        msg = f"expected a duration with its unit, such as '{value}s', got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    text = _text(value)
    # The reference's environment variables name their unit and give a bare number of seconds.
    return durations.parse(f"{text}s" if text.isdigit() else text)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        msg = f"expected a whole number, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        msg = f"expected a whole number, got {value!r}"
        raise ValueError(msg)
    if int(value) < 0:
        msg = f"expected a number that is not negative, got {value!r}"
        raise ValueError(msg)
    return int(value)


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else booleans.parse(_text(value))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        msg = f"expected a list of names, got {value!r}"
        raise ValueError(msg)
    return tuple(value)


def _words(value: object) -> tuple[str, ...]:
    """Return the words of a command; a word may be empty."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        msg = f"expected a list of words, got {value!r}"
        raise ValueError(msg)
    return tuple(value)


def _table(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        msg = f"expected a table of texts, got {value!r}"
        raise ValueError(msg)
    return dict(value)


def _commands(value: object) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list | tuple):
        msg = f"expected a list of tables with name and run, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    for item in value:
        if not isinstance(item, dict) or set(item) != {"name", "run"} or not all(_table(item).values()):
            msg = f"expected a table with name and run, got {item!r}"
            raise ValueError(msg)
    names = [item["name"] for item in value]
    if len(set(names)) != len(names):
        msg = f"expected commands with different names, got {', '.join(names)}"
        raise ValueError(msg)
    return tuple(value)


_CONVERTERS: Mapping[str, Callable[[object], Any]] = {
    "text": _text,
    "account": _account,
    "duration": _duration,
    "count": _count,
    "flag": _flag,
    "names": _names,
    "words": _words,
    "table": _table,
    "commands": _commands,
}
