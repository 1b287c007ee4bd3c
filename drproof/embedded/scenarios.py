"""The failures that the world can inject, as `scenarios.toml` lists them."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from drproof.embedded.faults.rules import Rule, rule_of

NONE = "none"
SHORT_LIFE = timedelta(minutes=20)


def table() -> dict[str, dict[str, Any]]:
    """Return every scenario by name: what it says, what it changes, how a drill of it ends."""
    return tomllib.loads((files(__package__) / "scenarios.toml").read_text(encoding="utf-8"))


def faults(name: str) -> tuple[Rule, ...]:
    """Return the rules of faults that a scenario begins with."""
    return tuple(rule_of(row) for row in table().get(name, {}).get("faults", ()))


def known(name: str, rows: Mapping[str, Any] | None = None) -> str:
    """Return `name` when it is a scenario, or `none`.

    Raises:
        ValueError: there is no scenario of that name.
    """
    names = rows if rows is not None else table()
    if name != NONE and name not in names:
        msg = f"there is no scenario {name!r}: expected one of {', '.join([NONE, *names])}"
        raise ValueError(msg)
    return name


def credentials_until(name: str) -> str:
    """Return when the recovery account's credentials end, empty where they do not."""
    if name != "preflight-credentials-short":
        return ""
    return (datetime.now(UTC) + SHORT_LIFE).strftime("%Y-%m-%dT%H:%M:%S.000Z")
