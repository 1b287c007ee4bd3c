"""What a buildspec says, as far as the embedded CodeBuild carries it out; anything else is refused, not left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
VERSION = "0.2"


class BuildspecError(ValueError):
    """A buildspec that the embedded world does not understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildspec:
    """The commands of each phase, and what is handed over between them."""

    commands: Mapping[str, tuple[str, ...]]
    last: Mapping[str, tuple[str, ...]]
    """What each phase runs at its end, also when a command before failed."""
    variables: Mapping[str, str]
    exported: tuple[str, ...]


def parse(text: str) -> Buildspec:
    """Return what a buildspec says.

    Raises:
        BuildspecError: it is no YAML, of another version, or asks for what the embedded world does not do.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        msg = f"YAML_FILE_ERROR: {exc}"
        raise BuildspecError(msg) from exc
    whole = _table(document, "the buildspec", {"version", "env", "phases"})
    if str(whole.get("version")) != VERSION:
        msg = f"YAML_FILE_ERROR: expected version {VERSION}, got {whole.get('version')!r}"
        raise BuildspecError(msg)
    environment = _table(whole.get("env", {}), "env", {"shell", "variables", "exported-variables"})
    if environment.get("shell", "bash") != "bash":
        msg = f"YAML_FILE_ERROR: the embedded world has bash, not {environment['shell']!r}"
        raise BuildspecError(msg)
    phases = _table(whole.get("phases"), "phases", set(PHASES))
    read = {name: _table(phases.get(name, {}), name, {"commands", "finally"}) for name in PHASES}
    return Buildspec(
        commands={name: _texts(read[name].get("commands", []), name) for name in PHASES},
        last={name: _texts(read[name].get("finally", []), name) for name in PHASES},
        variables={str(name): str(value) for name, value in (environment.get("variables") or {}).items()},
        exported=_texts(environment.get("exported-variables", []), "exported-variables"),
    )


def _table(value: Any, where: str, known: set[str]) -> dict[str, Any]:  # noqa: ANN401 — YAML
    if not isinstance(value, dict):
        msg = f"YAML_FILE_ERROR: {where}: expected a table, got {value!r}"
        raise BuildspecError(msg)
    if strange := {str(name) for name in value} - known:
        msg = f"YAML_FILE_ERROR: {where}: the embedded world does not carry out {', '.join(sorted(strange))}"
        raise BuildspecError(msg)
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:  # noqa: ANN401 — YAML
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        msg = f"YAML_FILE_ERROR: {where}: expected a list of texts, got {value!r}"
        raise BuildspecError(msg)
    return tuple(value)
