"""The states that lie at a recovery site: Terraform's, and that of the direct provisioner beside it.

Bytes that are neither are no state, and so no absence of one: whoever cannot read them does not know what is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse, shape_of
from drproof.model.errors import FormatError

DIRECT_SUFFIX = ".direct.json"
"""How the state of the direct provisioner is called after that of Terraform."""

DIRECT_KIND, DIRECT_VERSION = "direct", 1
VERSION = 4
"""Of the format that Terraform writes since its version 0.12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """One resource that a state of Terraform stands for; each instance has its `attributes`."""

    kind: str
    name: str
    module: str
    instances: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """What a state of the direct provisioner says."""

    origin: str
    expires_at: str
    identities: tuple[str, ...]


def managed(data: bytes) -> tuple[Managed, ...]:
    """Return what a state of Terraform stands for; its data sources and what has no instance are nothing.

    Raises:
        FormatError: `terraform-state`, or why it is no JSON.
    """
    document = _table(parse(data, fractions=True), "terraform-state", "an object")
    if document.get("version") != VERSION:
        found = document.get("version")
        raise FormatError("terraform-state", f"expected Terraform's state version {VERSION}, got {found!r}")
    found = (_managed(one) for one in _rows(document, "resources", "terraform-state"))
    return tuple(one for one in found if one is not None and one.instances)


def direct(data: bytes) -> Direct:
    """Return what a state of the direct provisioner says.

    Raises:
        FormatError: `direct-state`, or why it is no JSON.
    """
    code = "direct-state"
    document = _table(parse(data, fractions=True), code, "an object")
    if (document.get("kind"), document.get("version")) != (DIRECT_KIND, DIRECT_VERSION):
        found = f"version {document.get('version')!r} of {document.get('kind')!r}"
        raise FormatError(code, f"expected version {DIRECT_VERSION} of {DIRECT_KIND!r}, got {found}")
    return Direct(
        origin=_text(document, "origin", code),
        expires_at=_text({"expires_at": "", **document}, "expires_at", code),
        identities=tuple(_text(one, "identity", code) for one in _rows(document, "resources", code)),
    )


def _managed(resource: Mapping[str, Any]) -> Managed | None:
    code = "terraform-state"
    mode = _text(resource, "mode", code)
    if mode == "data":
        return None
    if mode != "managed":
        # A resource of which nobody knows whether it stands for something is not nothing.
        raise FormatError(code, f"mode: expected managed or data, got {mode!r}")
    instances = _rows(resource, "instances", code)
    for one in instances:
        _table(one.get("attributes"), code, "attributes as an object")
    return Managed(
        kind=_text(resource, "type", code),
        name=_text(resource, "name", code),
        module=_text({"module": "", **resource}, "module", code),
        instances=instances,
    )


def _rows(document: Mapping[str, Any], name: str, code: str) -> tuple[Mapping[str, Any], ...]:
    rows = document.get(name)
    if not isinstance(rows, list):
        raise FormatError(code, f"{name}: expected a list, got {shape_of(rows)}")
    return tuple(_table(one, code, f"objects in {name}") for one in rows)


def _table(value: object, code: str, expected: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(code, f"expected {expected}, got {shape_of(value)}")
    return value


def _text(document: Mapping[str, Any], name: str, code: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise FormatError(code, f"{name}: expected text, got {shape_of(value)}")
    return value
