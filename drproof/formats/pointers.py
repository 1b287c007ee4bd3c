"""Pointers to the last good run of the original site."""

from collections.abc import Mapping
from dataclasses import dataclass

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

LABELS = ("global", "provider", "global-legacy", "provider-legacy")
"""The four pointers: two of the candidate, and two that older readers know."""

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What a pointer says."""

    run_id: str
    run_path: str
    ended_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePointer:
    """A pointer with everything that its readers use; `lacks` names what is absent or of another shape."""

    pointer: Pointer
    providers: tuple[str, ...]
    profiles: tuple[str, ...]
    provider_profiles: Mapping[str, str]
    lacks: tuple[str, ...]


def keys(prefix: str, candidate: str, provider: str, profile: str) -> Mapping[str, str]:
    """Return the key of each pointer by its label."""
    mine = f"{prefix}/state/candidates/{candidate}"
    return {
        "global": f"{mine}/last_success.json",
        "provider": f"{mine}/{provider}/{profile}/last_success.json",
        "global-legacy": f"{prefix}/state/last_success.json",
        "provider-legacy": f"{prefix}/state/{provider}/{profile}/last_success.json",
    }


def parse(data: bytes) -> Pointer:
    """Return a pointer.

    Raises:
        FormatError: it is empty, no JSON object, or names no run.
    """
    if not data:
        raise FormatError("pointer-empty", "the pointer is empty")
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        raise FormatError("pointer-shape", "the pointer is no JSON object")
    ended_at = content.get("ended_at")
    if ended_at is not None and not isinstance(ended_at, str):
        raise FormatError("pointer-shape", f"the pointer's ended_at is {ended_at!r}, expected an instant")
    return Pointer(run_id=_text(content, "run_id"), run_path=_text(content, "run_path"), ended_at=ended_at)


def parse_whole(data: bytes) -> WholePointer:
    """Return a pointer with all its fields.

    Raises:
        FormatError: as `parse`.
    """
    pointer = parse(data)
    content = parse_json(data, fractions=True)
    version, by_name = content.get("schema_version"), content.get("provider_profiles")
    named = isinstance(by_name, dict) and bool(by_name) and all(isinstance(run, str) for run in by_name.values())
    lists = {name: _names(content.get(name)) for name in ("providers", "profiles")}
    # To isinstance, True is a number.
    fields = {"schema_version": type(version) is int and version == SCHEMA_VERSION, "provider_profiles": named}
    fields |= {name: bool(found) for name, found in lists.items()}
    return WholePointer(
        pointer=pointer,
        **lists,
        provider_profiles=dict(by_name) if named and isinstance(by_name, dict) else {},
        lacks=tuple(sorted(name for name, there in fields.items() if not there)),
    )


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        return ()
    return tuple(value)


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("pointer-shape", f"the pointer's {name} is {value!r}, expected text")
    return value
